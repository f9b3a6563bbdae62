//! Claim: messages get their runs, durable before anything else happens.

use std::sync::Arc;

use brokers::{Fingerprint, Identity, Message};
use bytes::Bytes;
use domain::run::CorrelationId;
use domain::{AlgorithmId, RunId};
use uuid::Uuid;

use super::expressions::{Compiled, Failed, Sifted};
use super::{Pipeline, Received, header, is_callable, is_skipped, is_too_large};
use crate::journal::{
    Claim, Claimed, JournalError, MessageId, Recorded, RunKey, Taken, Upstream, correlation_of,
    correlation_of_direct,
};

/// Attempts cut short by a stop or a crash that are forgiven. A message that kills its worker is
/// given up after its attempts and these.
const FORGIVEN: u32 = 3;

/// A run under way.
pub(crate) struct Run {
    /// The run id as text.
    pub(crate) id: Bytes,
    /// The W3C trace parent that calls and results carry.
    pub(crate) traceparent: Bytes,
    pub(crate) key: RunKey,
    /// Calls counted so far.
    pub(crate) attempts: u32,
    /// Whether the last of them is yet to be made.
    pub(super) counted_ahead: bool,
    /// Calls beyond the policy's, for those that were cut short.
    pub(super) forgiven: u32,
    /// What was decided before this delivery.
    pub(super) decision: Option<Box<Recorded>>,
    /// What the filter said when the message was claimed, if it was asked.
    pub(super) sifted: Option<Sifted>,
}

impl Run {
    /// The run of a direct caller, whose first call was counted with its claim.
    pub(crate) fn direct(algorithm: &AlgorithmId, run_id: RunId, key: RunKey) -> Self {
        let correlation = correlation_of_direct(&algorithm.to_string(), key.number(), run_id);
        let traceparent = Bytes::from(header::traceparent_of(correlation, run_id));
        Self::counted(run_id, traceparent, key)
    }

    /// What identifies the call of a batch. It is counted for each of its messages.
    pub(super) fn of_batch(id: Uuid, traceparent: Bytes, key: RunKey) -> Self {
        Self::counted(RunId(id), traceparent, key)
    }

    fn counted(run_id: RunId, traceparent: Bytes, key: RunKey) -> Self {
        Self {
            id: Bytes::from(run_id.to_string()),
            traceparent,
            key,
            attempts: 1,
            counted_ahead: false,
            forgiven: 0,
            decision: None,
            sifted: None,
        }
    }

    /// Whether the filter of `expressions` has the message sent.
    pub(super) fn sift(
        &mut self,
        expressions: &Arc<Compiled>,
        message: &Message,
    ) -> Result<bool, Failed> {
        let before = self
            .sifted
            .take()
            .filter(|sifted| sifted.is_by(expressions));
        let sifted = before.unwrap_or_else(|| Sifted::of(expressions, message));
        self.sifted.insert(sifted).passes()
    }

    /// The run id as text.
    pub(super) fn name(&self) -> &str {
        std::str::from_utf8(&self.id).unwrap_or_default()
    }
}

/// Claims all of `received` at once; answers each with its run. What has ended so long ago that its
/// run is not kept any more is settled.
pub(super) async fn claim(
    pipeline: &Pipeline,
    mut received: Vec<Received>,
) -> Result<impl Iterator<Item = (Received, Run)>, JournalError> {
    let assignment = pipeline.current();
    let can_call = is_callable(&assignment) && !pipeline.gate.is_open();
    let expressions = pipeline.expressions.of(&assignment.settings).ok();
    let sift = |received: &Received| {
        let message = &received.delivery.message;
        let expressions = expressions.as_ref()?;
        let is_unsent = is_too_large(&assignment, message) || is_skipped(&assignment, message);
        (!is_unsent).then(|| Sifted::of(expressions, message))
    };
    let sifted: Vec<_> = received.iter().map(sift).collect();
    let claims = received.iter_mut().zip(&sifted).map(|(received, sifted)| {
        // One that waits for others is not called soon, so its call is counted when it is made.
        let passes = received.turn.has_come() && sifted.as_ref().is_some_and(Sifted::is_sent);
        Claim {
            listener: pipeline.key,
            taken: taken(pipeline.group, &received.delivery.message),
            calls: can_call && passes,
        }
    });
    let claims: Vec<_> = claims.collect();
    let claimed = pipeline.journal.claim(claims.clone()).await?;
    let new = claimed.iter().flatten().filter(|run| run.claims == 1);
    pipeline.meter.received(new.count() as u64);
    let all = received.into_iter().zip(sifted).zip(claims).zip(claimed);
    Ok(all.filter_map(|(((received, sifted), claim), claimed)| {
        let Some(claimed) = claimed else {
            received.delivery.settle();
            received.turn.pass();
            return None;
        };
        let run = run(&received, sifted, claim, claimed);
        Some((received, run))
    }))
}

fn run(received: &Received, sifted: Option<Sifted>, claim: Claim, claimed: Claimed) -> Run {
    let interruptions = claimed.claims.saturating_sub(1);
    Run {
        id: Bytes::from(claimed.run_id.to_string()),
        traceparent: traceparent(&received.delivery.message, &claim.taken, claimed.run_id),
        key: claimed.run,
        attempts: claimed.attempts,
        counted_ahead: claim.calls && interruptions == 0,
        forgiven: interruptions.min(FORGIVEN),
        decision: claimed.decision,
        sifted,
    }
}

/// The message's trace parent, else one of the workflow that it begins.
fn traceparent(message: &Message, taken: &Taken, run_id: RunId) -> Bytes {
    if let Some(brought) = header::traceparent(message) {
        return Bytes::copy_from_slice(brought.as_bytes());
    }
    let correlation = match taken {
        Taken::Message {
            topic,
            id,
            fingerprint,
            ..
        } => correlation_of(topic, *id, fingerprint.sent_at_ms, &fingerprint.digest),
        Taken::Direct(run_id) => CorrelationId(run_id.0.into_bytes()),
    };
    Bytes::from(header::traceparent_of(correlation, run_id))
}

fn taken(group: Uuid, message: &Message) -> Taken {
    match &message.identity {
        Identity::Kafka {
            topic,
            partition,
            offset,
        } => Taken::Message {
            group,
            topic: Arc::clone(topic),
            id: MessageId {
                partition: *partition,
                offset: *offset,
            },
            fingerprint: Fingerprint::of(message),
            upstream: Upstream {
                correlation: header::traceparent(message).and_then(CorrelationId::of_trace_parent),
                parent: header::parent(message),
            },
        },
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A new run with that id.
    pub(in super::super) fn run(id: &'static [u8]) -> Run {
        Run {
            id: Bytes::from_static(id),
            traceparent: Bytes::from_static(b"00-1-2-01"),
            key: RunKey::sample(),
            attempts: 1,
            counted_ahead: true,
            forgiven: 0,
            decision: None,
            sifted: None,
        }
    }
}
