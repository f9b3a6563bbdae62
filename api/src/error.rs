//! Top-level errors: faults of the request or of the server, never refusals.

use async_graphql::{Error, ErrorExtensions};
use engine::Failure;
use engine::ReadError;
use projections::ReadModelError;

/// The codes in `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidArgument,
    /// The caller may not do this.
    Forbidden,
    /// The request asks for too much; see `limits`.
    TooComplex,
    /// What was to be resumed cannot be: read it again, and follow it from there.
    PositionTooOld,
    /// A store or a worker does not answer; the request may be sent again.
    Unavailable,
    Internal,
}

impl Code {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::Forbidden => "FORBIDDEN",
            Self::TooComplex => "TOO_COMPLEX",
            Self::PositionTooOld => "POSITION_TOO_OLD",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }
}

/// An error with its code. The text reaches the client as it is.
pub(crate) fn error(code: Code, text: impl Into<String>) -> Error {
    Error::new(text.into()).extend_with(|_, extensions| extensions.set("code", code.as_str()))
}

/// An argument that cannot be what it should be.
pub(crate) fn invalid(text: impl Into<String>) -> Error {
    error(Code::InvalidArgument, text)
}

/// A fault on our side: the chain of causes goes to the log, a plain text to the client.
pub(crate) fn fault(code: Code, cause: &(dyn std::error::Error + 'static)) -> Error {
    tracing::error!(error = cause, "a request failed");
    error(
        code,
        match code {
            Code::Unavailable => "the server cannot answer now; try again",
            _ => "the server failed; its log says why",
        },
    )
}

pub(crate) fn failure(cause: &Failure) -> Error {
    let code = match cause {
        Failure::Decode { .. } | Failure::Read(ReadError::Damaged { .. }) => Code::Internal,
        _ => Code::Unavailable,
    };
    fault(code, cause)
}

pub(crate) fn read_failure(cause: &ReadModelError) -> Error {
    let code = match cause {
        ReadModelError::Row(_) | ReadModelError::Migrate(_) => Code::Internal,
        _ => Code::Unavailable,
    };
    fault(code, cause)
}

pub(crate) fn log_failure(cause: &ReadError) -> Error {
    let code = match cause {
        ReadError::Damaged { .. } => Code::Internal,
        ReadError::Unavailable(_) => Code::Unavailable,
    };
    fault(code, cause)
}
