//! Samples of messages and of what came of them, with what is hidden in them.

mod body;
mod pointer;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::envelope::Position;
use crate::ids::AlgorithmId;
use crate::settlement::Decision;
use crate::version::Version;

pub use self::body::{Body, SampledBody, Withheld};
pub use self::pointer::Pointer;

/// The longest value of a header that is kept, in characters.
const LONGEST_VALUE: usize = 1024;

/// Parts of the names of headers whose values are never kept.
const SECRET: [&str; 11] = [
    "auth",
    "cookie",
    "token",
    "secret",
    "passw",
    "credential",
    "api-key",
    "apikey",
    "api_key",
    "signature",
    "session",
];

/// What is kept of a run: its message, and the last call that was made for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub decision: Decision,
    /// The listener's revision that the decision was made under.
    pub revision: Option<Position>,
    /// The message's key, cut as bodies are; none where it has none, or it is hidden.
    #[serde(skip)]
    pub key: Option<Vec<u8>>,
    pub key_withheld: bool,
    pub headers: Vec<SampledHeader>,
    /// None where the message has no body.
    pub message: Option<SampledBody>,
    /// None where nothing was called.
    pub call: Option<SampledCall>,
}

/// A header of the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledHeader {
    pub name: String,
    /// None where it has none, or it is withheld.
    pub value: Option<String>,
    pub withheld: bool,
}

/// A call of the endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledCall {
    pub version: Version,
    pub endpoint: String,
    /// What was sent; none where it was the message as it is.
    pub request: Option<SampledBody>,
    /// The status of the answer; none where there was none.
    pub status: Option<u16>,
    /// None where there was no answer.
    pub answer: Option<SampledBody>,
    /// Which of the run's calls it was, from 1.
    pub attempt: u32,
    pub duration_ms: u64,
}

/// A sample in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptSample {
    pub sample: Sample,
    pub algorithm: AlgorithmId,
    pub sampled_at: Timestamp,
    /// The chance that a run with such an end, on that day, still has its sample.
    pub probability: f64,
}

impl SampledHeader {
    /// Its value is withheld where `hidden` says so, and where the name says that it is a secret.
    #[must_use]
    pub fn of(name: &str, value: Option<&[u8]>, hidden: bool) -> Self {
        let withheld = value.is_some() && (hidden || is_secret(name));
        let value = value.filter(|_| !withheld).map(String::from_utf8_lossy);
        Self {
            name: name.to_owned(),
            value: value.map(|value| value.chars().take(LONGEST_VALUE).collect()),
            withheld,
        }
    }
}

/// Whether the name of a header says that its value is a secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|part| name.contains(part))
}

impl Sample {
    /// Its bodies: the message's, the request's and the answer's.
    pub fn bodies_mut(&mut self) -> [Option<&mut SampledBody>; 3] {
        let (request, answer) = match &mut self.call {
            Some(call) => (call.request.as_mut(), call.answer.as_mut()),
            None => (None, None),
        };
        [self.message.as_mut(), request, answer]
    }

    /// The same.
    #[must_use]
    pub fn bodies(&self) -> [Option<&SampledBody>; 3] {
        let call = self.call.as_ref();
        [
            self.message.as_ref(),
            call.and_then(|call| call.request.as_ref()),
            call.and_then(|call| call.answer.as_ref()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_are_secrets_or_hidden_have_no_value() {
        for secret in [
            "Authorization",
            "proxy-authorization",
            "Cookie",
            "X-API-Key",
            "x-amz-security-token",
            "client_secret",
            "sessionid",
        ] {
            let header = SampledHeader::of(secret, Some(b"hunter2"), false);
            assert_eq!((header.value, header.withheld), (None, true), "{secret}");
        }
        let hidden = SampledHeader::of("trace", Some(b"1"), true);
        assert_eq!((hidden.value, hidden.withheld), (None, true));
        let shown = SampledHeader::of("trace", Some(b"1\xff"), false);
        assert_eq!(shown.value.as_deref(), Some("1\u{fffd}"));
        let none = SampledHeader::of("cookie", None, true);
        assert!(!none.withheld);
        let long = SampledHeader::of("trace", Some("é".repeat(2000).as_bytes()), false);
        assert_eq!(long.value.unwrap().chars().count(), LONGEST_VALUE);
    }
}
