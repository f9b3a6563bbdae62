//! The URL of a version. Where it is published and where it is called, the same rule holds.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::Uri;

/// The longest URL, in bytes.
const LONGEST: usize = 2048;

/// The longest host name, and the longest part of one.
const LONGEST_HOST: usize = 253;
const LONGEST_LABEL: usize = 63;

/// A URL that a worker can call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Uri);

/// Why a URL cannot be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    #[error("the endpoint is longer than 2048 characters")]
    TooLong,
    #[error("the endpoint may contain only visible ASCII characters")]
    Characters,
    #[error("the endpoint must be an http URL")]
    NotHttp,
    #[error("https endpoints cannot be called yet")]
    Https,
    #[error("the endpoint must not contain a user name or password")]
    UserInfo,
    #[error("the endpoint must not contain a fragment")]
    Fragment,
    #[error("the endpoint must name a host: a name or an IP address, with or without a port")]
    Host,
    #[error("the port of the endpoint must be 1 to 65535")]
    Port,
    #[error("the endpoint is not a URL")]
    NotUrl,
}

impl Endpoint {
    /// The URL, as a request takes it.
    #[must_use]
    pub fn into_uri(self) -> Uri {
        self.0
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if text.len() > LONGEST {
            return Err(EndpointError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EndpointError::Characters);
        }
        let Some(rest) = text.strip_prefix("http://") else {
            let https = text.starts_with("https://");
            return Err(if https {
                EndpointError::Https
            } else {
                EndpointError::NotHttp
            });
        };
        if rest.contains('#') {
            return Err(EndpointError::Fragment);
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(EndpointError::UserInfo);
        }
        check_authority(authority)?;
        text.parse().map(Self).map_err(|_| EndpointError::NotUrl)
    }
}

/// Refuses what is not a host with or without a port.
fn check_authority(authority: &str) -> Result<(), EndpointError> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(address) => {
            let (address, port) = address.split_once(']').ok_or(EndpointError::Host)?;
            address
                .parse::<Ipv6Addr>()
                .map_err(|_| EndpointError::Host)?;
            (None, port)
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (host, port) = authority.split_at(end);
            (Some(host), port)
        }
    };
    if host.is_some_and(|host| !is_host(host)) {
        return Err(EndpointError::Host);
    }
    if port.is_empty() {
        return Ok(());
    }
    let port = port.strip_prefix(':').ok_or(EndpointError::Host)?;
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(1..) if digits => Ok(()),
        _ => Err(EndpointError::Port),
    }
}

/// Whether it is a name, or an IPv4 address in its usual form.
fn is_host(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    // Resolvers take several forms of an address that ends in a number.
    let is_number = last
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_digit());
    name.len() <= LONGEST_HOST
        && name.split('.').all(is_label)
        && (!is_number || host.parse::<Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_called_is_an_endpoint() {
        for text in [
            "http://127.0.0.1:9000/score",
            "http://models.example",
            "http://models.example.:80/v1?x=@&y=[1]",
            "http://score_1.acme.svc:65535/",
            "http://[::1]:9000/score",
            "http://[2001:db8::1]",
            "http://localhost?x=1",
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            let uri = endpoint.into_uri();
            assert_eq!(uri.scheme_str(), Some("http"), "{text}");
            assert!(uri.host().is_some(), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_called_is_refused_with_the_reason() {
        use EndpointError::{Characters, Fragment, Host, Https, NotHttp, Port, TooLong, UserInfo};
        let long = format!("http://host/{}", "x".repeat(2048));
        let long_name = format!("http://{}/", "x".repeat(64));
        for (text, wrong) in [
            ("", NotHttp),
            ("score", NotHttp),
            ("ftp://host/", NotHttp),
            ("HTTP://host/", NotHttp),
            ("file:///etc/passwd", NotHttp),
            ("https://models.example/", Https),
            ("http://", Host),
            ("http:///path", Host),
            ("http://?x", Host),
            ("http://:80/", Host),
            ("http://[/x", Host),
            ("http://[::1", Host),
            ("http://[::1]x/", Host),
            ("http://[nobody]/", Host),
            ("http://ho\"st/", Host),
            ("http://%zz/", Host),
            ("http://a..b/", Host),
            ("http://1.2.3/", Host),
            ("http://0x7f.1/", Host),
            ("http://2130706433/", Host),
            (&long_name, Host),
            ("http://a:b:c/", Port),
            ("http://host:notaport/", Port),
            ("http://host:/", Port),
            ("http://host:0/", Port),
            ("http://host:+80/", Port),
            ("http://host:65536/", Port),
            ("http://user:secret@host/", UserInfo),
            ("http://host/#part", Fragment),
            ("http://host/a b", Characters),
            ("http://host/\r\nX: y", Characters),
            ("http://hóst/", Characters),
            (&long, TooLong),
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(wrong), "{text:?}");
        }
    }
}
