//! Claim: the message gets its run, durable before anything else happens.

use brokers::{Identity, Message};
use uuid::Uuid;

use super::{Pipeline, is_too_large};
use crate::journal::{Claim, JournalError, Place, Recorded, RunKey};

/// Attempts cut short by a stop or a crash that are forgiven. A message that kills its worker is
/// given up after its attempts and these.
const FORGIVEN: u32 = 3;

/// A message's run.
pub(super) struct Run {
    pub(super) id: Uuid,
    pub(super) key: RunKey,
    /// Calls counted so far.
    pub(super) attempts: u32,
    /// Whether the last of them is yet to be made.
    pub(super) counted_ahead: bool,
    /// Calls beyond the policy's, for those that were cut short.
    pub(super) forgiven: u32,
    /// What was decided before this delivery.
    pub(super) decision: Option<Recorded>,
}

pub(super) async fn claim(pipeline: &Pipeline, message: &Message) -> Result<Run, JournalError> {
    let assignment = pipeline.current();
    let id = run_id(pipeline.group, &message.identity);
    let calls = assignment.version.is_some()
        && !is_too_large(&assignment, message)
        && !pipeline.gate.is_blocked();
    let claim = Claim {
        listener: pipeline.key,
        run_id: id,
        place: place(&message.identity),
        calls,
    };
    let claimed = pipeline.journal.claim(claim).await?;
    let interruptions = claimed.claims.saturating_sub(1);
    Ok(Run {
        id,
        key: claimed.run,
        attempts: claimed.attempts,
        counted_ahead: calls && interruptions == 0,
        forgiven: interruptions.min(FORGIVEN),
        decision: claimed.decision,
    })
}

/// The same for every delivery of the message to the listener.
fn run_id(group: Uuid, identity: &Identity) -> Uuid {
    Uuid::new_v5(&group, identity.to_string().as_bytes())
}

fn place(identity: &Identity) -> Place {
    match identity {
        Identity::Kafka {
            partition, offset, ..
        } => Place {
            partition: *partition,
            offset: *offset,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_one_run_per_listener() {
        let message = |offset| Identity::Kafka {
            topic: "orders".to_owned(),
            partition: 1,
            offset,
        };
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(run_id(one, &message(7)), run_id(one, &message(7)));
        assert_ne!(run_id(one, &message(7)), run_id(one, &message(8)));
        assert_ne!(run_id(one, &message(7)), run_id(other, &message(7)));
    }
}
