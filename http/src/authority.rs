//! The host and the port of a `Host` header, an `Origin` header or a URL.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A host, and the port where one is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Ip(IpAddr),
    /// In lower case. A trailing dot is kept: browsers hold `a.` and `a` for different sites.
    Name(String),
}

/// The scheme of a URL that leads to this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// What a browser calls an origin: the scheme, the host and the port of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    scheme: Scheme,
    pub(super) host: Host,
    port: u16,
}

/// The text is not an authority or an origin.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Host {
    /// Whether the two are the same host, with or without the dot of a fully qualified name.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(one), Self::Name(other)) => unqualified(one) == unqualified(other),
            _ => self == other,
        }
    }

    pub(super) fn is_localhost(&self) -> bool {
        matches!(self, Self::Name(name) if unqualified(name) == "localhost")
    }
}

fn unqualified(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

impl FromStr for Authority {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or(Malformed)?;
                let host: Ipv6Addr = host.parse().map_err(|_| Malformed)?;
                let port = match rest.strip_prefix(':') {
                    Some(port) => Some(port),
                    None if rest.is_empty() => None,
                    None => return Err(Malformed),
                };
                (Host::Ip(host.into()), port)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (name_or_ip(host)?, Some(port)),
                None => (name_or_ip(text)?, None),
            },
        };
        let port = port.filter(|port| !port.is_empty()).map(number);
        Ok(Self {
            host,
            port: port.transpose()?,
        })
    }
}

fn name_or_ip(text: &str) -> Result<Host, Malformed> {
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_of_names) {
        return Err(Malformed);
    }
    Ok(match unqualified(text).parse() {
        Ok(ip) => Host::Ip(IpAddr::V4(ip)),
        Err(_) => Host::Name(text.to_ascii_lowercase()),
    })
}

fn number(port: &str) -> Result<u16, Malformed> {
    // `parse` takes a sign, too.
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed);
    }
    port.parse().map_err(|_| Malformed)
}

impl Origin {
    /// The origin of a page that this server itself answers with, asked by that authority.
    pub(super) fn of_request(authority: &Authority) -> Self {
        Self::new(Scheme::Http, authority)
    }

    fn new(scheme: Scheme, authority: &Authority) -> Self {
        let default = match scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        };
        Self {
            scheme,
            host: authority.host.clone(),
            port: authority.port.unwrap_or(default),
        }
    }
}

impl FromStr for Origin {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (scheme, authority) = text.split_once("://").ok_or(Malformed)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(Malformed),
        };
        Ok(Self::new(scheme, &authority.parse()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority(text: &str) -> Result<Authority, Malformed> {
        text.parse()
    }

    #[test]
    fn names_and_addresses_are_told_apart_and_ports_are_optional() {
        let name = |text: &str, port| Authority {
            host: Host::Name(text.to_owned()),
            port,
        };
        let ip = |text: &str, port| Authority {
            host: Host::Ip(text.parse().unwrap()),
            port,
        };
        for (text, wanted) in [
            ("LocalHost:8080", name("localhost", Some(8080))),
            ("localhost.", name("localhost.", None)),
            ("a-b.example:", name("a-b.example", None)),
            ("127.0.0.1:80", ip("127.0.0.1", Some(80))),
            ("127.0.0.1.", ip("127.0.0.1", None)),
            ("[::1]", ip("::1", None)),
            ("[2001:DB8::1]:443", ip("2001:db8::1", Some(443))),
            // Browsers never send these forms of addresses, so they are names that nobody has.
            ("127.1", name("127.1", None)),
            ("0x7f000001", name("0x7f000001", None)),
        ] {
            assert_eq!(authority(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_authority_is_not_read_as_one() {
        for text in [
            "",
            ":80",
            "a b",
            "user@localhost",
            "localhost:80:80",
            "localhost:+80",
            "localhost:65536",
            "localhost/path",
            "::1",
            "[::1",
            "[::1]8080",
            "[fe80::1%eth0]",
            "[localhost]",
            "bücher.example",
        ] {
            assert_eq!(authority(text), Err(Malformed), "{text:?}");
        }
    }

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        let origin = |text: &str| text.parse::<Origin>();
        assert_eq!(origin("http://a.example"), origin("HTTP://A.example:80"));
        assert_eq!(origin("https://[::1]:443"), origin("https://[0:0::1]"));
        assert_ne!(origin("http://a.example"), origin("https://a.example"));
        assert_ne!(origin("http://a.example"), origin("http://a.example:8080"));
        assert_ne!(origin("http://a.example"), origin("http://a.example."));
        for text in ["null", "", "a.example", "http://", "http://a/", "ftp://a"] {
            assert_eq!(origin(text), Err(Malformed), "{text:?}");
        }
    }
}
