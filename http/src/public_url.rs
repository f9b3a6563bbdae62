//! The URL by which people reach this server, where that is not an address or `localhost`.

use std::str::FromStr;

use serde::Deserialize;

use super::authority::{Host, Origin};

/// Scheme and authority of the URL that people use: `https://eventflows.example`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicUrl(Origin);

/// Why a text is not the URL of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the public URL must be http:// or https://, a host and, if need be, a port, and nothing \
     behind them"
)]
pub struct PublicUrlError;

impl PublicUrl {
    pub(super) fn origin(&self) -> &Origin {
        &self.0
    }

    pub(super) fn host(&self) -> &Host {
        &self.0.host
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = PublicUrlError;

    fn try_from(text: String) -> Result<Self, PublicUrlError> {
        text.parse()
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let origin = text.strip_suffix('/').unwrap_or(text).parse();
        origin.map(Self).map_err(|_| PublicUrlError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin() {
        let url = |text: &str| text.parse::<PublicUrl>();
        assert!(url("https://eventflows.example").is_ok());
        assert_eq!(url("http://A.example:80/"), url("http://a.example"));
        for text in [
            "eventflows.example",
            "ftp://eventflows.example",
            "https://user:secret@eventflows.example",
            "https://eventflows.example/path",
            "https://eventflows.example?query",
            "https://",
        ] {
            assert_eq!(url(text), Err(PublicUrlError), "{text}");
        }
    }
}
