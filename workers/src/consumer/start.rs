//! Where a source begins that has no position.

use std::sync::Arc;

use brokers::Start;
use domain::Assignment;
use domain::listener::{PartitionOffset, ResetTarget};

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
