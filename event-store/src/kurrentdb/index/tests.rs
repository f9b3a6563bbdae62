//! The index tells what a walk through the log would find.

use domain::{Position, Revision, StreamName};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Index, TAIL_BYTES};
use crate::contract::sample;
use crate::kurrentdb::failure::Failure;
use crate::kurrentdb::record::Record;
use crate::port::{Appended, Expected};

proptest! {
    #[test]
    fn an_index_finds_what_a_walk_through_the_log_finds(
        appends in vec((0_u8..5, 1_usize..4), 1..80),
        from in 0_u64..20,
        limit in 0_usize..20,
    ) {
        let log = log(&appends);
        let mut index = Index::default();
        for record in &log {
            prop_assert!(index.take(record.clone()).unwrap());
            // One that comes twice, as after a feed was opened again, changes nothing.
            prop_assert!(!index.take(record.clone()).unwrap());
        }
        prop_assert_eq!(index.head(), Position(log.len() as u64));
        for stream in 0..5 {
            let stream = name(stream);
            let events = log.iter().filter(|record| record.stored.stream == stream);
            let events: Vec<_> = events.map(|record| &record.stored).collect();
            let last = events.last().map(|event| event.revision);
            prop_assert_eq!(index.last_revision(&stream), last);
            let wanted = events.iter().filter(|event| event.revision.0 >= from).take(limit);
            let wanted: Vec<_> = wanted.map(|event| event.position).collect();
            prop_assert_eq!(index.positions(&stream, Revision(from), limit), wanted);
        }
        for record in log.iter().filter(|record| record.begins_command()) {
            prop_assert_eq!(index.command(record.stored.command), Some(record.stored.position));
        }
        prop_assert!(index.tail_bytes <= TAIL_BYTES);
        for record in &log {
            let position = record.stored.position;
            let recent = index.recent(position).map(|record| &record.stored);
            prop_assert!(recent.is_none_or(|recent| *recent == record.stored));
            let after = index.recent_after(position, limit).unwrap_or_default();
            for (due, record) in (position.0 + 1..).zip(&after) {
                prop_assert_eq!(record.stored.position.0, due);
            }
        }
    }
}

#[test]
fn a_command_is_shown_with_the_last_of_its_events() {
    let log = log(&[(0, 1), (0, 3), (1, 1)]);
    let mut index = Index::default();
    for (record, shown) in log.iter().zip([1, 1, 1, 4, 5]) {
        index.take(record.clone()).unwrap();
        assert_eq!(index.last(), record.stored.position);
        assert_eq!(index.head(), Position(shown));
        let in_stream = shown.min(4);
        assert_eq!(index.last_revision(&name(0)), Some(Revision(in_stream - 1)));
        let recent = index.recent_after(Position(0), 10).unwrap();
        assert_eq!(recent.len() as u64, shown);
    }
}

#[test]
fn an_event_out_of_turn_is_damage_and_changes_nothing() {
    let log = log(&[(0, 1), (0, 1), (0, 1)]);
    let mut index = Index::default();
    index.take(log[0].clone()).unwrap();
    let skipped = index.take(log[2].clone());
    assert!(
        matches!(
            skipped,
            Err(Failure::Damaged {
                position: Position(2),
                ..
            })
        ),
        "{skipped:?}"
    );
    let mut wrong = log[1].clone();
    wrong.stored.revision = Revision(2);
    let wrong = index.take(wrong);
    assert!(
        matches!(
            wrong,
            Err(Failure::Damaged {
                position: Position(2),
                ..
            })
        ),
        "{wrong:?}"
    );
    assert_eq!(index.head(), Position(1));
    assert!(index.take(log[1].clone()).unwrap());
}

/// The log that so many events at a time for these streams make.
fn log(appends: &[(u8, usize)]) -> Vec<Record> {
    let mut lengths = [0_u64; 5];
    let mut log = Vec::new();
    for (stream, events) in appends {
        let append = sample(name(*stream).as_str(), Expected::NoStream, *events);
        let length = &mut lengths[usize::from(*stream)];
        *length += *events as u64;
        let appended = Appended {
            first: Position(log.len() as u64 + 1),
            last: Position((log.len() + events) as u64),
            revision: Revision(*length - 1),
        };
        log.extend(Record::of(&append, appended, Timestamp::UNIX_EPOCH));
    }
    log
}

fn name(stream: u8) -> StreamName {
    StreamName(format!("a-{stream}"))
}
