//! What is kept of a message and its last call, to be looked at later: hidden parts first.

use std::time::Duration;

use brokers::Message;
use bytes::Bytes;
use domain::Assignment;
use domain::listener::{SampledRuns, SamplingPolicy};
use domain::sample::{Body, Sample, SampledBody, SampledCall, SampledHeader};
use domain::settlement::Decision;
use http::HeaderValue;

use super::called::Received;
use super::header;

/// A call as it was made.
pub(super) struct Call {
    pub(super) sent: Sent,
    pub(super) received: Option<Received>,
    pub(super) status: Option<u16>,
    /// Which of the run's calls it was, from 1.
    pub(super) attempt: u32,
    pub(super) duration: Duration,
}

/// The body of a call.
pub(super) struct Sent {
    pub(super) body: Bytes,
    pub(super) content_type: HeaderValue,
    /// Whether it is the message's, as it is.
    pub(super) is_message: bool,
}

/// Whether a sample is kept of a run that was decided so.
pub(super) fn is_wanted(policy: &SamplingPolicy, decision: Decision) -> bool {
    match (policy.runs, decision) {
        (SampledRuns::None, _) | (_, Decision::Filtered) => false,
        (SampledRuns::All, _) | (_, Decision::DeadLettered | Decision::Dropped) => true,
        (SampledRuns::Failures, Decision::Succeeded) => false,
    }
}

/// The sample of a run, by the policy of now, whose last call was made under `assignment`.
pub(super) fn sample(
    policy: &SamplingPolicy,
    assignment: &Assignment,
    message: &Message,
    call: Option<Call>,
    decision: Decision,
) -> Sample {
    let mask = &policy.mask;
    let said = |said: &Option<Bytes>| header::visible(said.as_ref()?).map(str::to_owned);
    let content_type = said(&message.metadata.content_type);
    let content_encoding = said(&message.metadata.content_encoding);
    let headers = message.headers.iter().map(|(name, value)| {
        let mut hidden = mask.headers.iter();
        let is_hidden = hidden.any(|hidden| hidden.eq_ignore_ascii_case(name));
        SampledHeader::of(name, value.as_deref(), is_hidden)
    });
    let key = message.key.as_ref().filter(|_| !mask.key);
    let most = usize::try_from(policy.max_bytes).unwrap_or(usize::MAX);
    Sample {
        decision,
        revision: Some(assignment.revision),
        key: key.map(|key| key.iter().copied().take(most).collect()),
        key_withheld: mask.key && message.key.is_some(),
        headers: headers.collect(),
        message: message.body.as_ref().map(|body| {
            let body = Body {
                bytes: body,
                content_type: content_type.as_deref(),
                content_encoding: content_encoding.as_deref(),
            };
            sampled(policy, body, &mask.message)
        }),
        call: call.and_then(|call| called(policy, assignment, &call)),
    }
}

fn called(policy: &SamplingPolicy, assignment: &Assignment, call: &Call) -> Option<SampledCall> {
    let version = assignment.version.as_ref()?;
    let request = (!call.sent.is_message).then(|| {
        let body = Body {
            bytes: &call.sent.body,
            content_type: call.sent.content_type.to_str().ok(),
            content_encoding: None,
        };
        sampled(policy, body, &policy.mask.request)
    });
    let answer = call.received.as_ref().map(|received| {
        let content_type = received.content_type.as_ref();
        let body = Body {
            bytes: &received.body,
            content_type: content_type.and_then(|value| value.to_str().ok()),
            content_encoding: received.content_encoding.as_deref(),
        };
        sampled(policy, body, &policy.mask.answer)
    });
    Some(SampledCall {
        version: version.version.clone(),
        endpoint: version.endpoint.clone(),
        request,
        status: call.status,
        answer,
        attempt: call.attempt,
        duration_ms: u64::try_from(call.duration.as_millis()).unwrap_or(u64::MAX),
    })
}

fn sampled(policy: &SamplingPolicy, body: Body<'_>, pointers: &[String]) -> SampledBody {
    SampledBody::of(body, pointers, policy.mask.hides_bodies(), policy.max_bytes)
}
