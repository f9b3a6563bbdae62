//! Runs as a journal tells of them.

use jiff::Timestamp;
use uuid::Uuid;

use super::score;
use crate::ids::RunId;
use crate::run::{CorrelationId, Owner, Run, RunMessage};

/// A run of acme/score that is under way, with its number as the id and as the offset of its message.
#[must_use]
pub fn run(number: i64) -> Run {
    Run {
        id: RunId(Uuid::from_u128(number.unsigned_abs().into())),
        owner: Owner::Listener(Uuid::from_u128(1)),
        algorithm: score(),
        number,
        message: Some(RunMessage {
            topic: "orders".to_owned(),
            partition: 0,
            offset: number,
            sent_at: None,
        }),
        correlation: CorrelationId([1; 16]),
        parent: None,
        claimed_at: Timestamp::UNIX_EPOCH,
        attempts: 1,
        end: None,
        outputs: Vec::new(),
        dead_letter: None,
    }
}
