//! Why a server gave no usable answer.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::StatusCode;

use crate::answer::GraphQlError;

/// Why there is no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("cannot load the certificates that this system trusts")]
    Certificates(#[source] io::Error),
    #[error("cannot reach {url}")]
    Unreachable {
        url: String,
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("the connection to {url} broke")]
    Broken {
        url: String,
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("{url} did not answer within {} s", .after.as_secs())]
    TimedOut { url: String, after: Duration },
    #[error("the answer from {url} is larger than {limit} bytes")]
    TooLarge { url: String, limit: usize },
    #[error("{url} answered {status}: {text}")]
    Status {
        url: String,
        status: StatusCode,
        /// The beginning of the answer, or the message of its first error.
        text: String,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    #[error("{url} did not answer like an eventflows server")]
    Unintelligible {
        url: String,
        source: serde_json::Error,
    },
    #[error("{url} closed the WebSocket with {code}: {reason}")]
    Closed {
        url: String,
        code: u16,
        reason: String,
    },
    #[error("the list has more than {0} entries")]
    ListTooLong(usize),
    /// The server answered with a GraphQL error.
    #[error(transparent)]
    GraphQl(#[from] GraphQlError),
}

impl ClientError {
    /// Whether a shorter page may be answered.
    pub(crate) fn is_too_complex(&self) -> bool {
        matches!(self, Self::GraphQl(error) if error.code == "TOO_COMPLEX")
    }

    /// Whether the same request may be answered later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } | Self::TimedOut { .. } => true,
            Self::Status { status, .. } => matches!(status.as_u16(), 429 | 502..=504),
            Self::GraphQl(error) => matches!(error.code.as_str(), "UNAVAILABLE" | "RATE_LIMITED"),
            // A follower subscribes again.
            Self::Closed { .. } => true,
            Self::Certificates(_)
            | Self::TooLarge { .. }
            | Self::Unintelligible { .. }
            | Self::ListTooLong(_) => false,
        }
    }

    /// How long the server asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
