//! Which requests are for this server, and which pages of a browser may send them: its own.
//!
//! Any page can have its own name resolve to this machine (DNS rebinding), and then its `Host` and
//! its `Origin` agree. So the name itself must be one of ours. An address cannot be rebound, but a
//! page may be served from another one, so an `Origin` must be this very server.

use axum::extract::{Request, State};
use axum::http::header::{AsHeaderName, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;

use super::authority::{Authority, Host, Origin};
use super::public_url::PublicUrl;
use super::{Site, gateway, graphql};

/// Why a request is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is none or more than one, or it is malformed.
    Host,
    ForeignHost,
    ManyOrigins,
    ForeignOrigin,
}

/// Lets a request pass to whatever route it is for, or refuses it.
pub(super) async fn guard(State(site): State<Site>, request: Request, next: Next) -> Response {
    let public_url = site.settings.public_url.as_ref();
    let Err(refusal) = check(request.uri(), request.headers(), public_url) else {
        return next.run(request).await;
    };
    let path = request.uri().path();
    tracing::debug!(path, reason = refusal.message(), "a request was refused");
    if gateway::serves(path) {
        gateway::refuse_foreign(request.uri(), refusal.status(), refusal.message())
    } else {
        graphql::refuse(refusal.status(), refusal.code(), refusal.message())
    }
}

fn check(uri: &Uri, headers: &HeaderMap, public_url: Option<&PublicUrl>) -> Result<(), Refusal> {
    let host = single(headers, HOST).ok_or(Refusal::Host)?;
    // A request line with an authority goes before the header, by RFC 9112.
    let authority = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => text(host.ok_or(Refusal::Host)?),
    };
    let authority: Authority = authority.parse().map_err(|_| Refusal::Host)?;
    let is_ours = match &authority.host {
        Host::Ip(_) => true,
        name => name.is_localhost() || public_url.is_some_and(|url| url.host().is(name)),
    };
    if !is_ours {
        return Err(Refusal::ForeignHost);
    }
    let origin = single(headers, ORIGIN).ok_or(Refusal::ManyOrigins)?;
    let Some(origin) = origin else { return Ok(()) };
    let origin: Origin = text(origin).parse().map_err(|_| Refusal::ForeignOrigin)?;
    let is_public = public_url.is_some_and(|url| *url.origin() == origin);
    if is_public || Origin::of_request(&authority) == origin {
        Ok(())
    } else {
        Err(Refusal::ForeignOrigin)
    }
}

/// The header, if there is one; nothing where there is more than one.
fn single(headers: &HeaderMap, name: impl AsHeaderName) -> Option<Option<&HeaderValue>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    values.next().is_none().then_some(first)
}

/// The value as text; what is none is empty, which is neither a host nor an origin.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::Host | Self::ManyOrigins => StatusCode::BAD_REQUEST,
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::ForeignOrigin => StatusCode::FORBIDDEN,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Host | Self::ManyOrigins => "INVALID_ARGUMENT",
            Self::ForeignHost | Self::ForeignOrigin => "FORBIDDEN",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Host => "exactly one Host header is required",
            Self::ForeignHost => {
                "this server does not answer to that name; to add one, set `public_url`"
            }
            Self::ManyOrigins => "more than one Origin header",
            Self::ForeignOrigin => {
                "a foreign Origin: only pages of this server may send requests, and `public_url` \
                 sets the URL that browsers reach it by"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = "https://flows.example";

    fn checked(hosts: &[&str], origins: &[&str], public_url: Option<&str>) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        for (name, values) in [(HOST, hosts), (ORIGIN, origins)] {
            for value in values {
                let value = HeaderValue::from_str(value).unwrap();
                headers.append(name.clone(), value);
            }
        }
        let public_url = public_url.map(|url| url.parse().unwrap());
        check(&Uri::from_static("/graphql"), &headers, public_url.as_ref())
    }

    #[test]
    fn a_host_is_an_address_localhost_or_the_public_name() {
        for host in [
            "127.0.0.1:8080",
            "192.0.2.7",
            "[::1]:8080",
            "[2001:db8::1]",
            "localhost:8080",
            "LOCALHOST",
            "localhost.:8080",
        ] {
            assert_eq!(checked(&[host], &[], None), Ok(()), "{host}");
        }
        for host in ["flows.example", "FLOWS.example:443", "flows.example."] {
            assert_eq!(checked(&[host], &[], Some(PUBLIC)), Ok(()), "{host}");
            assert_eq!(checked(&[host], &[], None), Err(Refusal::ForeignHost));
        }
        for host in [
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "a.flows.example",
            "localhost..",
            "127.1",
        ] {
            let refused = checked(&[host], &[], Some(PUBLIC));
            assert_eq!(refused, Err(Refusal::ForeignHost), "{host}");
        }
    }

    #[test]
    fn a_page_under_a_rebound_name_is_refused_although_host_and_origin_agree() {
        let refused = checked(&["evil.example:80"], &["http://evil.example:80"], None);
        assert_eq!(refused, Err(Refusal::ForeignHost));
    }

    #[test]
    fn an_origin_is_this_very_server_or_the_public_url() {
        for (host, origin) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("localhost:8080", "http://LocalHost:8080"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("192.0.2.7", "http://192.0.2.7"),
            ("192.0.2.7:80", "http://192.0.2.7"),
            ("flows.example", "https://flows.example"),
            // A proxy named itself.
            ("127.0.0.1:8080", "https://flows.example:443"),
        ] {
            let passed = checked(&[host], &[origin], Some(PUBLIC));
            assert_eq!(passed, Ok(()), "{host} {origin}");
        }
        for (host, origin) in [
            // On the list of hosts, and yet another server.
            ("127.0.0.1:8080", "http://203.0.113.5:8080"),
            ("127.0.0.1:8080", "http://127.0.0.1:9000"),
            ("127.0.0.1:8080", "http://localhost:8080"),
            ("127.0.0.1:8080", "https://127.0.0.1:8080"),
            ("127.0.0.1:8080", "http://[::ffff:127.0.0.1]:8080"),
            ("127.0.0.1:8080", "http://flows.example"),
            ("127.0.0.1:8080", "https://flows.example:8443"),
            ("127.0.0.1:8080", "https://flows.example.evil.example"),
            ("127.0.0.1:8080", "null"),
            ("127.0.0.1:8080", ""),
            ("flows.example", "https://evil.example"),
        ] {
            let refused = checked(&[host], &[origin], Some(PUBLIC));
            assert_eq!(refused, Err(Refusal::ForeignOrigin), "{host} {origin}");
        }
    }

    #[test]
    fn a_header_that_is_absent_doubled_or_malformed_is_a_bad_request() {
        let host = "127.0.0.1:8080";
        for hosts in [&[][..], &[host, host], &[host, "evil.example"], &["a b"]] {
            assert_eq!(checked(hosts, &[], None), Err(Refusal::Host), "{hosts:?}");
        }
        let own = "http://127.0.0.1:8080";
        for origins in [[own, own], [own, "http://evil.example"]] {
            let refused = checked(&[host], &origins, None);
            assert_eq!(refused, Err(Refusal::ManyOrigins), "{origins:?}");
        }
    }

    #[test]
    fn the_authority_of_the_request_line_counts_where_there_is_one() {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("localhost"))]);
        let line = Uri::from_static("http://evil.example/graphql");
        assert_eq!(check(&line, &headers, None), Err(Refusal::ForeignHost));
    }
}
