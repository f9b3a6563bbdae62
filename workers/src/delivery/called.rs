//! What one call of an endpoint came to.
use crate::journal::Representation;

use bytes::Bytes;
use domain::settlement::{self, Answer, Verdict};
use http::HeaderValue;

/// The longest stack trace, in characters.
const LONGEST_STACKTRACE: usize = 10_000;

/// What a call came to.
#[derive(Clone)]
pub(crate) struct Called {
    pub(crate) answer: Answer,
    /// More about it, for people.
    pub(crate) text: Option<String>,
    /// Where in the algorithm it failed, if that was said.
    pub(crate) stacktrace: Option<String>,
    /// Whether the endpoint's host took the connection.
    pub(crate) connected: bool,
    /// Of the result.
    pub(crate) representation: Representation,
    /// The result of a call that succeeded; none where the endpoint said by 204 that there is none,
    /// and nothing is published.
    pub(crate) result: Option<Bytes>,
    /// The answer as it came, if one did.
    pub(super) received: Option<Received>,
}

/// The body of an answer, whatever it means.
#[derive(Clone)]
pub(super) struct Received {
    pub(super) body: Bytes,
    pub(super) content_type: Option<HeaderValue>,
    pub(super) content_encoding: Option<String>,
}

impl Called {
    pub(super) fn failed(answer: Answer, text: Option<String>) -> Self {
        Self {
            answer,
            text,
            stacktrace: None,
            connected: true,
            representation: Representation::default(),
            result: None,
            received: None,
        }
    }

    pub(super) fn unconnected(text: String) -> Self {
        Self {
            connected: false,
            ..Self::failed(Answer::Unreachable, Some(text))
        }
    }

    /// Whether it may say something about what was sent, and not only of the endpoint.
    pub(super) fn is_about_messages(&self) -> bool {
        let verdict = settlement::judge(&self.answer);
        self.connected && !matches!(verdict, Verdict::Wait { .. } | Verdict::Block(_))
    }

    /// What the answer was, for people.
    pub(crate) fn summary(&self) -> String {
        let summary = match &self.answer {
            Answer::Status { status, .. } => format!("the endpoint answered {status}"),
            Answer::Undecodable => "the endpoint's answer cannot be read".to_owned(),
            Answer::Unreachable => "the endpoint cannot be reached".to_owned(),
            Answer::TimedOut => "the endpoint did not answer in time".to_owned(),
            Answer::AnswerTooLarge => "the endpoint's answer is too large".to_owned(),
        };
        match &self.text {
            Some(text) => format!("{summary}: {text}"),
            None => summary,
        }
    }

    pub(crate) fn answer_status(&self) -> Option<u16> {
        match self.answer {
            Answer::Status { status, .. } => Some(status),
            _ => None,
        }
    }

    /// With where the algorithm says that it failed.
    pub(super) fn at(self, stacktrace: Option<String>) -> Self {
        let clipped = |text: String| text.chars().take(LONGEST_STACKTRACE).collect();
        Self {
            stacktrace: stacktrace.map(clipped),
            ..self
        }
    }
}
