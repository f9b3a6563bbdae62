//! The calls of a run.

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::{IntoDeserializer, value};
use serde::{Deserialize, Serialize};

use super::Run;
use crate::settlement::{Answer, Decision, UnknownCode};
use crate::version::Version;

/// One call of an endpoint for a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub began_at: Timestamp,
    pub took: Duration,
    /// The version that was called.
    pub version: Option<Version>,
    pub outcome: AttemptOutcome,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// What was answered, or why nothing was, for people; none where it succeeded.
    pub text: Option<String>,
    /// Whether it counts among those that the retry policy allows.
    pub is_counted: bool,
}

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AttemptOutcome {
    /// There was a result.
    Succeeded,
    /// The status, or the error in the body, says that there is none.
    ErrorAnswer,
    /// The answer could not be read.
    Undecodable,
    /// The endpoint could not be reached, or broke off.
    Unreachable,
    TimedOut,
    AnswerTooLarge,
    /// The listener's transform could make no result of the answer.
    TransformFailed,
}

impl AttemptOutcome {
    /// That of a call that did not succeed.
    #[must_use]
    pub fn of_failure(answer: &Answer) -> Self {
        match answer {
            Answer::Status { .. } => Self::ErrorAnswer,
            Answer::Undecodable => Self::Undecodable,
            Answer::Unreachable => Self::Unreachable,
            Answer::TimedOut => Self::TimedOut,
            Answer::AnswerTooLarge => Self::AnswerTooLarge,
        }
    }

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "SUCCEEDED",
            Self::ErrorAnswer => "ERROR_ANSWER",
            Self::Undecodable => "UNDECODABLE",
            Self::Unreachable => "UNREACHABLE",
            Self::TimedOut => "TIMED_OUT",
            Self::AnswerTooLarge => "ANSWER_TOO_LARGE",
            Self::TransformFailed => "TRANSFORM_FAILED",
        }
    }
}

impl FromStr for AttemptOutcome {
    type Err = UnknownCode;

    fn from_str(code: &str) -> Result<Self, UnknownCode> {
        let read = Self::deserialize(code.into_deserializer());
        read.map_err(|_: value::Error| UnknownCode(code.to_owned()))
    }
}

impl Run {
    /// The call that it succeeded with, which is written down with the decision and not by itself.
    #[must_use]
    pub fn last_attempt(&self) -> Option<Attempt> {
        let end = self.end.as_ref()?;
        let call = end.call.filter(|_| end.decision == Decision::Succeeded)?;
        Some(Attempt {
            began_at: call.began_at,
            took: call.took,
            version: end.version.clone(),
            outcome: AttemptOutcome::Succeeded,
            status: end.status,
            text: None,
            is_counted: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_read_from_its_code() {
        for outcome in [
            AttemptOutcome::Succeeded,
            AttemptOutcome::ErrorAnswer,
            AttemptOutcome::Undecodable,
            AttemptOutcome::Unreachable,
            AttemptOutcome::TimedOut,
            AttemptOutcome::AnswerTooLarge,
            AttemptOutcome::TransformFailed,
        ] {
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
        }
    }
}
