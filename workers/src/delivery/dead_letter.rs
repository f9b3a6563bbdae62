//! The message that a faulty message is published as: itself, and why.
//!
//! A dead letter may be written back to its topic and fail again. It then has one set of our headers,
//! that of the last failure, and still says where it first came from.

use std::borrow::Cow;

use brokers::{Message, Metadata, Outgoing};
use bytes::Bytes;
use domain::settlement::Reason;
use domain::{Assignment, TopicName};
use sha2::{Digest, Sha256};

use super::claim::Run;
use super::header::{
    self, RUN_ID, SOURCE_OFFSET, SOURCE_PARTITION, SOURCE_TIME, SOURCE_TOPIC, TRACEPARENT,
};
use crate::journal::Recorded;

const REASON: &str = "eventflows-reason";
const REASON_TEXT: &str = "eventflows-reason-text";
const ATTEMPTS: &str = "eventflows-attempts";
const LISTENER_REVISION: &str = "eventflows-listener-revision";
const ALGORITHM: &str = "eventflows-algorithm";
const ALGORITHM_VERSION: &str = "eventflows-algorithm-version";
const FAILED_AT: &str = "eventflows-failed-at";
const COUNT: &str = "eventflows-dead-letter-count";
const BODY: &str = "eventflows-body";
const BODY_BYTES: &str = "eventflows-body-bytes";
const BODY_SHA256: &str = "eventflows-body-sha256";
const KEY: &str = "eventflows-key";
const HEADERS: &str = "eventflows-headers";

/// What is said of the last failure, and replaced by the next.
const OF_LAST: [&str; 15] = [
    REASON,
    REASON_TEXT,
    ATTEMPTS,
    LISTENER_REVISION,
    ALGORITHM,
    ALGORITHM_VERSION,
    SOURCE_TOPIC,
    SOURCE_PARTITION,
    SOURCE_OFFSET,
    SOURCE_TIME,
    FAILED_AT,
    RUN_ID,
    COUNT,
    KEY,
    HEADERS,
];

/// What is said of a body that was left out, and stays true until the message has a body again.
const OF_BODY: [&str; 3] = [BODY, BODY_BYTES, BODY_SHA256];

/// What is kept of the first failure, and under which names.
const OF_FIRST: [(&str, &str); 5] = [
    (SOURCE_TOPIC, "eventflows-first-source-topic"),
    (SOURCE_PARTITION, "eventflows-first-source-partition"),
    (SOURCE_OFFSET, "eventflows-first-source-offset"),
    (SOURCE_TIME, "eventflows-first-source-time"),
    (FAILED_AT, "eventflows-first-failed-at"),
];

/// What stands for a part that was left out.
const OMITTED: Bytes = Bytes::from_static(b"omitted");

/// The longest key that a dead letter keeps when even its headers are too much, in bytes.
const LONGEST_KEY: usize = 1024;

type Header = (Cow<'static, str>, Option<Bytes>);

/// How much of the message its dead letter holds. What does not fit today does not fit tomorrow, so
/// the next tries with less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Extent {
    #[default]
    Whole,
    /// The body's size and digest in place of the body.
    WithoutBody,
    /// Our headers and the key, if that is short.
    OursOnly,
}

impl Extent {
    /// The next smaller one, of a dead letter that did not fit.
    pub(super) fn smaller(self) -> Option<Self> {
        match self {
            Self::Whole => Some(Self::WithoutBody),
            Self::WithoutBody => Some(Self::OursOnly),
            Self::OursOnly => None,
        }
    }
}

/// The original key, headers and body, and after its headers ours.
pub(super) fn outgoing(
    dlq: &TopicName,
    assignment: &Assignment,
    message: &Message,
    run: &Run,
    decision: &Recorded,
    extent: Extent,
) -> Outgoing {
    let mut headers = Vec::new();
    if extent != Extent::OursOnly {
        headers.extend(original(message));
    }
    headers.extend(of_first(message));
    headers.extend(of_last(assignment, message, run, decision));
    if extent == Extent::OursOnly || header::traceparent(message).is_none() {
        // Whoever reads it goes on with the same workflow.
        headers.push((TRACEPARENT.into(), Some(run.traceparent.clone())));
    }
    let mut dead = Outgoing {
        topic: dlq.to_string(),
        key: message.key.clone(),
        headers,
        // Its headers say it, in the spelling of its broker.
        metadata: Metadata::default(),
        body: message.body.clone(),
    };
    if extent != Extent::Whole {
        omit_body(&mut dead);
    }
    if extent == Extent::OursOnly {
        dead.headers.push((HEADERS.into(), Some(OMITTED)));
        let is_long = |key: &mut Bytes| key.len() > LONGEST_KEY;
        if dead.key.take_if(is_long).is_some() {
            dead.headers.push((KEY.into(), Some(OMITTED)));
        }
    }
    dead
}

/// The message's headers without what an earlier dead letter of it said.
fn original(message: &Message) -> impl Iterator<Item = Header> {
    let has_body = message.body_len() > 0;
    let stale = OF_LAST
        .iter()
        .chain(OF_BODY.iter().filter(move |_| has_body));
    let is_ours = move |name: &str| stale.clone().any(|ours| name.eq_ignore_ascii_case(ours));
    let headers = message.headers.iter();
    let headers = headers.filter(move |(name, _)| !is_ours(name));
    headers.map(|(name, value)| (Cow::Owned(name.clone()), value.clone()))
}

/// Where a message that was a dead letter before first came from, unless it still says so itself.
fn of_first(message: &Message) -> Vec<Header> {
    let (_, known) = OF_FIRST[0];
    if !was_dead(message) || header::last(message, known).is_some() {
        return Vec::new();
    }
    let first = |(last, first): &(&str, &'static str)| {
        let value = header::last(message, last)?.clone();
        Some((Cow::Borrowed(*first), Some(value)))
    };
    OF_FIRST.iter().filter_map(first).collect()
}

fn of_last(
    assignment: &Assignment,
    message: &Message,
    run: &Run,
    decision: &Recorded,
) -> Vec<Header> {
    let mut headers = Vec::new();
    let mut add = |name: &'static str, value: String| {
        headers.push((Cow::Borrowed(name), Some(Bytes::from(value))));
    };
    let text = decision.draft.reason_text.as_deref().unwrap_or_default();
    let reason = decision
        .draft
        .reason
        .map(Reason::as_str)
        .unwrap_or_default();
    add(REASON, reason.to_owned());
    add(REASON_TEXT, header::one_line(text));
    add(ATTEMPTS, run.attempts.to_string());
    let revision = decision.draft.revision.unwrap_or_default();
    add(LISTENER_REVISION, revision.to_string());
    add(ALGORITHM, assignment.listener.algorithm.to_string());
    if let Some(version) = &decision.draft.version {
        add(ALGORITHM_VERSION, version.to_string());
    }
    for (name, value) in header::coordinates(message) {
        add(name, value);
    }
    add(FAILED_AT, decision.finished_at.to_string());
    add(COUNT, count(message).to_string());
    headers.push((RUN_ID.into(), Some(run.id.clone())));
    headers
}

/// How often the message was a dead letter, this time included.
fn count(message: &Message) -> u32 {
    if !was_dead(message) {
        return 1;
    }
    let said = header::last(message, COUNT).and_then(|count| header::visible(count));
    let earlier: u32 = said.and_then(|count| count.parse().ok()).unwrap_or(1);
    earlier.saturating_add(1)
}

fn was_dead(message: &Message) -> bool {
    header::last(message, REASON).is_some()
}

/// No bytes in place of some, so that it is not taken for a message without a body.
fn omit_body(dead: &mut Outgoing) {
    let Some(body) = dead.body.as_mut().filter(|body| !body.is_empty()) else {
        return;
    };
    let body = std::mem::take(body);
    let digest = Sha256::digest(&body);
    let hex = digest.iter().map(|byte| format!("{byte:02x}"));
    let mut add = |name: &'static str, value: Bytes| dead.headers.push((name.into(), Some(value)));
    add(BODY, OMITTED);
    add(BODY_BYTES, Bytes::from(body.len().to_string()));
    add(BODY_SHA256, Bytes::from(hex.collect::<String>()));
}
