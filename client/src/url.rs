//! The address of a server.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, Scheme};

/// The scheme and authority of a server: `http://HOST:PORT` or `https://HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl {
    scheme: Scheme,
    authority: Authority,
}

/// Why a text is not the address of a server. It does not quote the text, which may hold a
/// password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    #[error("expected `http://HOST:PORT` or `https://HOST:PORT`, without a path")]
    Malformed,
    #[error("the URL must not contain a user or a password")]
    Credentials,
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        let url: Uri = text.parse().map_err(|_| ServerUrlError::Malformed)?;
        let parts = url.into_parts();
        let bare = parts
            .path_and_query
            .is_none_or(|path| matches!(path.as_str(), "" | "/"));
        let (Some(scheme), Some(authority), true) = (parts.scheme, parts.authority, bare) else {
            return Err(ServerUrlError::Malformed);
        };
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(ServerUrlError::Malformed);
        }
        if authority.as_str().contains('@') {
            return Err(ServerUrlError::Credentials);
        }
        Ok(Self { scheme, authority })
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl ServerUrl {
    /// Where queries and mutations are posted.
    pub(crate) fn graphql(&self) -> Uri {
        self.at(self.scheme.as_str(), "/graphql")
    }

    /// Where subscriptions are followed, as HTTP sees it.
    pub(crate) fn socket(&self) -> Uri {
        self.at(self.scheme.as_str(), "/graphql/ws")
    }

    /// Where subscriptions are followed, as WebSocket sees it.
    pub(crate) fn web_socket(&self) -> Uri {
        let scheme = if self.scheme == Scheme::HTTPS {
            "wss"
        } else {
            "ws"
        };
        self.at(scheme, "/graphql/ws")
    }

    fn at(&self, scheme: &str, path: &str) -> Uri {
        Uri::builder()
            .scheme(scheme)
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
            .expect("a scheme, an authority and a path make a URI")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_scheme_and_authority() {
        for (text, graphql, socket) in [
            (
                "http://127.0.0.1:8080",
                "http://127.0.0.1:8080/graphql",
                "ws://127.0.0.1:8080/graphql/ws",
            ),
            (
                "https://flows.example/",
                "https://flows.example/graphql",
                "wss://flows.example/graphql/ws",
            ),
        ] {
            let url: ServerUrl = text.parse().unwrap();
            assert_eq!(url.graphql().to_string(), graphql);
            assert_eq!(url.web_socket().to_string(), socket);
        }
    }

    #[test]
    fn other_urls_are_refused_and_never_quoted() {
        for text in [
            "",
            "127.0.0.1:8080",
            "ftp://host",
            "http://ann:secret@host",
            "http://host/secret",
            "http://host/?secret",
            "/secret",
        ] {
            let error = text.parse::<ServerUrl>().unwrap_err().to_string();
            assert!(!error.contains("secret"), "{text}: {error}");
        }
    }
}
