//! Claim: messages get their runs, durable before anything else happens.

use std::sync::Arc;

use brokers::{Fingerprint, Identity, Message};
use bytes::Bytes;
use domain::RunId;
use uuid::Uuid;

use super::{Pipeline, Received, header, is_callable, is_too_large};
use crate::journal::{Claim, Claimed, JournalError, MessageId, Recorded, RunKey, Taken};

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
    pub(super) decision: Option<Recorded>,
}

impl Run {
    /// The run of a direct caller, whose first call was counted with its claim.
    pub(crate) fn direct(run_id: RunId, key: RunKey) -> Self {
        Self {
            id: Bytes::from(run_id.to_string()),
            traceparent: Bytes::from(header::traceparent_of(run_id)),
            key,
            attempts: 1,
            counted_ahead: false,
            forgiven: 0,
            decision: None,
        }
    }
}

/// Claims all of `received` at once; answers each with its run. What has ended so long ago that its
/// run is not kept any more is settled.
pub(super) async fn claim(
    pipeline: &Pipeline,
    received: Vec<Received>,
) -> Result<impl Iterator<Item = (Received, Run)>, JournalError> {
    let assignment = pipeline.current();
    let can_call = is_callable(&assignment) && !pipeline.gate.is_open();
    let claims = received.iter().map(|received| {
        let message = &received.delivery.message;
        Claim {
            listener: pipeline.key,
            taken: taken(pipeline.group, message),
            calls: can_call && !is_too_large(&assignment, message),
        }
    });
    let claims: Vec<_> = claims.collect();
    let claimed = pipeline.journal.claim(claims.clone()).await?;
    let all = received.into_iter().zip(claims).zip(claimed);
    Ok(all.filter_map(|((received, claim), claimed)| {
        let Some(claimed) = claimed else {
            received.delivery.settle();
            return None;
        };
        let run = run(&received, claim, claimed);
        Some((received, run))
    }))
}

fn run(received: &Received, claim: Claim, claimed: Claimed) -> Run {
    let interruptions = claimed.claims.saturating_sub(1);
    Run {
        id: Bytes::from(claimed.run_id.to_string()),
        traceparent: Bytes::from(header::traceparent(
            &received.delivery.message,
            claimed.run_id,
        )),
        key: claimed.run,
        attempts: claimed.attempts,
        counted_ahead: claim.calls && interruptions == 0,
        forgiven: interruptions.min(FORGIVEN),
        decision: claimed.decision,
    }
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
        }
    }
}
