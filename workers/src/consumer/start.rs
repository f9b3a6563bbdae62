//! What a consumer reads, and where it begins without a position.

use std::sync::Arc;

use brokers::{SourceSettings, Start};
use domain::Assignment;
use domain::listener::{PartitionOffset, ResetTarget};

use crate::journal::ListenerKey;
use crate::resources::Resources;

/// Messages in flight at least, and per call in flight.
const FEWEST_IN_FLIGHT: usize = 256;
const IN_FLIGHT_PER_CALL: usize = 64;

/// What the consumer reads.
pub(super) fn source_settings(
    resources: &Resources,
    assignment: &Assignment,
    key: ListenerKey,
) -> SourceSettings {
    let reset = assignment.reset.as_ref().map(|reset| reset.at);
    let settings = &assignment.settings;
    let in_flight = IN_FLIGHT_PER_CALL * settings.concurrency as usize;
    let in_flight = in_flight.max(2 * settings.most_called() as usize);
    SourceSettings {
        topic: assignment.listener.topic.topic.to_string(),
        group: assignment.group.to_string(),
        start: of(assignment),
        max_unsettled: FEWEST_IN_FLIGHT.max(in_flight),
        memory: resources.memory.clone(),
        positions: Arc::new(resources.journal.positions(key, reset)),
    }
}

/// Where a listener was told to go on last or, if it never was, where it was told to start.
pub(crate) fn of(assignment: &Assignment) -> Start {
    match &assignment.reset {
        Some(reset) => after(&reset.to),
        // A broker without positions hands out what it has.
        None => (assignment.settings.start).map_or(Start::Earliest, |start| after(&start.into())),
    }
}

/// Where a listener goes on after a reset.
pub(crate) fn after(to: &ResetTarget) -> Start {
    match to {
        ResetTarget::Earliest => Start::Earliest,
        ResetTarget::Latest => Start::Latest,
        ResetTarget::Timestamp { time } => Start::At((*time).into()),
        ResetTarget::Offsets { offsets } => {
            let offsets = offsets.iter().map(place).collect();
            Start::Offsets(Arc::new(offsets))
        }
    }
}

/// As a broker counts: what is beyond that was refused.
fn place(at: &PartitionOffset) -> (i32, i64) {
    let partition = i32::try_from(at.partition).unwrap_or(i32::MAX);
    (partition, i64::try_from(at.offset).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use domain::listener::StartPosition;
    use domain::{Position, PositionReset};

    use super::*;
    use crate::control_plane::frame::tests::assignment;

    #[test]
    fn a_reset_takes_the_place_of_the_start() {
        let mut assignment = assignment();
        assignment.settings.start = Some(StartPosition::Latest);
        assert_eq!(of(&assignment), Start::Latest);
        let offset = PartitionOffset {
            partition: 3,
            offset: 7,
        };
        let offsets = Start::Offsets(Arc::new([(3, 7)].into()));
        for (to, start) in [
            (ResetTarget::Earliest, Start::Earliest),
            (
                ResetTarget::Offsets {
                    offsets: vec![offset],
                },
                offsets,
            ),
        ] {
            assignment.reset = Some(PositionReset {
                at: Position(9),
                to,
            });
            assert_eq!(of(&assignment), start);
        }
    }
}
