//! What is kept of a run.

use async_graphql::{Enum, SimpleObject};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::sample::{KeptSample, SampledBody, SampledHeader, Withheld};

use crate::scalar::{BigInt, DateTime};

/// What a listener keeps of a message and of its last call, with parts hidden as its settings say.
#[derive(SimpleObject)]
pub struct RunSample {
    /// When it was taken: at the end of the run.
    pub sampled_at: DateTime,
    /// The chance that a run with such an end, on that day, still has its sample: where there is no
    /// room for all, some are kept of each kind of end.
    pub probability: f64,
    /// The listener's revision that the decision was made under.
    pub listener_revision: Option<String>,
    /// The message's key, in Base64; null where it has none, or it is hidden.
    pub key: Option<String>,
    /// Whether it has a key that is hidden.
    pub key_withheld: bool,
    /// The message's headers.
    pub headers: Vec<SampleHeader>,
    /// The message's body; null where it has none.
    pub message: Option<SampleBody>,
    /// What was sent in place of the message's body; null where it was sent as it is, or nothing was.
    pub request: Option<SampleBody>,
    /// What the endpoint answered to the last call; null where it did not.
    pub answer: Option<SampleBody>,
    /// The URL that was called last; null where none was.
    pub endpoint: Option<String>,
    /// Which of the run's calls that was, from 1.
    pub attempt: Option<u32>,
    /// How long it took.
    pub duration_ms: Option<u64>,
}

/// A header of a sampled message.
#[derive(SimpleObject)]
pub struct SampleHeader {
    /// Its name.
    pub name: String,
    /// Its value, of which at most 1,024 characters are kept; null where it has none, or it is
    /// withheld.
    pub value: Option<String>,
    /// Whether the value is withheld: the settings say so, or its name says that it is a secret.
    pub withheld: bool,
}

/// A body of which something is kept.
#[derive(SimpleObject)]
pub struct SampleBody {
    /// Its content type, if it said one.
    pub content_type: Option<String>,
    /// The encoding of its bytes, if they are encoded.
    pub content_encoding: Option<String>,
    /// How many bytes the whole body has.
    pub size: BigInt,
    /// What is kept of it as text; null where it is no UTF-8, or withheld.
    pub text: Option<String>,
    /// What is kept of it, in Base64; null where it is withheld.
    pub base64: Option<String>,
    /// How many values in it were replaced by `"***"`.
    pub masked: u32,
    /// Whether its end is missing.
    pub truncated: bool,
    /// Why it was not kept; null if it was.
    pub withheld: Option<SampleWithheld>,
}

/// Why nothing of a body is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Withheld")]
pub enum SampleWithheld {
    /// Parts of it are to be hidden, and it is no JSON, or encoded.
    NotJson,
    /// Parts of another body are hidden, which this one may repeat.
    NotMasked,
}

impl From<KeptSample> for RunSample {
    fn from(kept: KeptSample) -> Self {
        let sample = kept.sample;
        let (mut request, mut answer) = (None, None);
        let (mut endpoint, mut attempt, mut duration_ms) = (None, None, None);
        if let Some(call) = sample.call {
            request = call.request;
            answer = call.answer;
            endpoint = Some(call.endpoint);
            attempt = Some(call.attempt);
            duration_ms = Some(call.duration_ms);
        }
        Self {
            sampled_at: DateTime(kept.sampled_at),
            probability: kept.probability,
            listener_revision: sample.revision.map(|revision| revision.to_string()),
            key: sample.key.map(|key| STANDARD.encode(key)),
            key_withheld: sample.key_withheld,
            headers: sample.headers.into_iter().map(Into::into).collect(),
            message: sample.message.map(Into::into),
            request: request.map(Into::into),
            answer: answer.map(Into::into),
            endpoint,
            attempt,
            duration_ms,
        }
    }
}

impl From<SampledHeader> for SampleHeader {
    fn from(header: SampledHeader) -> Self {
        Self {
            name: header.name,
            value: header.value,
            withheld: header.withheld,
        }
    }
}

impl From<SampledBody> for SampleBody {
    fn from(body: SampledBody) -> Self {
        let is_kept = body.withheld.is_none();
        Self {
            content_type: body.content_type,
            content_encoding: body.content_encoding,
            size: BigInt(body.size),
            base64: is_kept.then(|| STANDARD.encode(&body.kept)),
            text: String::from_utf8(body.kept).ok().filter(|_| is_kept),
            masked: body.masked,
            truncated: body.truncated,
            withheld: body.withheld.map(Into::into),
        }
    }
}
