//! The calls of a run.

use async_graphql::{Enum, SimpleObject};
use domain::run::{Attempt, AttemptOutcome};

use crate::scalar::DateTime;

/// One call of an endpoint for a run.
#[derive(SimpleObject)]
pub struct RunAttempt {
    /// When it began.
    pub began_at: DateTime,
    /// How many seconds it took.
    pub seconds: f64,
    /// The version that was called.
    pub called_version: Option<String>,
    /// What it came to.
    pub outcome: RunAttemptOutcome,
    /// The HTTP status of the answer; null if there was none.
    pub http_status: Option<u16>,
    /// What was answered, or why nothing was, as text for people; null if it succeeded.
    pub text: Option<String>,
    /// Whether it counts among the attempts that the listener's retry policy allows. A call does not
    /// if its failure was not the message's fault.
    pub counted: bool,
}

/// What a call came to. Outcomes are added over time: keep a branch for unknown ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "AttemptOutcome")]
pub enum RunAttemptOutcome {
    /// The endpoint answered with a result.
    Succeeded,
    /// The endpoint answered with an error.
    ErrorAnswer,
    /// The answer could not be read.
    Undecodable,
    /// The endpoint could not be reached, or the connection broke.
    Unreachable,
    /// There was no answer in time.
    TimedOut,
    /// The answer was too large.
    AnswerTooLarge,
    /// The transform could make no result of the answer.
    TransformFailed,
}

impl From<Attempt> for RunAttempt {
    fn from(attempt: Attempt) -> Self {
        Self {
            began_at: DateTime(attempt.began_at),
            seconds: attempt.took.as_secs_f64(),
            called_version: attempt.version.map(|version| version.to_string()),
            outcome: attempt.outcome.into(),
            http_status: attempt.status,
            text: attempt.text,
            counted: attempt.is_counted,
        }
    }
}
