//! Whatever is done to a log, verification names the first position that differs, and only then.

use std::fs;
use std::sync::Arc;

use domain::{EventId, Revision, StreamName};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use tempfile::TempDir;
use tokio::runtime::Builder;
use uuid::Uuid;

use super::rows::Rows;
use super::tampering::{checkpoint, verified};
use crate::audit::Problem;
use crate::stored::StoredEvent;

/// Events that the last checkpoint covers, and all there are.
const COVERED: u64 = 100;
const EVENTS: u64 = 120;

#[derive(Clone, Debug)]
enum Mutation {
    Change(Index, Field),
    Remove(Index),
    /// A copy of one before another.
    Insert(Index, Index),
    Swap(Index, Index),
    Truncate(Index),
}

#[derive(Clone, Debug)]
enum Field {
    Id(u128),
    Stream(String),
    Revision(u64),
    TypeName(String),
    SchemaVersion(u32),
    RecordedAt(i64),
    Command(u128),
    Metadata(String),
    Payload(Vec<u8>),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = any::<Index>;
    prop_oneof![
        4 => (place(), field()).prop_map(|(row, field)| Mutation::Change(row, field)),
        1 => place().prop_map(Mutation::Remove),
        1 => (place(), place()).prop_map(|(row, before)| Mutation::Insert(row, before)),
        1 => (place(), place()).prop_map(|(one, other)| Mutation::Swap(one, other)),
        1 => place().prop_map(Mutation::Truncate),
    ]
}

fn field() -> impl Strategy<Value = Field> {
    prop_oneof![
        any::<u128>().prop_map(Field::Id),
        any::<String>().prop_map(Field::Stream),
        any::<u64>().prop_map(Field::Revision),
        any::<String>().prop_map(Field::TypeName),
        any::<u32>().prop_map(Field::SchemaVersion),
        any::<i64>().prop_map(Field::RecordedAt),
        any::<u128>().prop_map(Field::Command),
        any::<String>().prop_map(Field::Metadata),
        any::<Vec<u8>>().prop_map(Field::Payload),
    ]
}

fn mutate(rows: &mut Vec<StoredEvent>, mutation: Mutation) {
    if rows.is_empty() {
        return;
    }
    let count = rows.len();
    match mutation {
        Mutation::Change(row, field) => change(&mut rows[row.index(count)], field),
        Mutation::Remove(row) => drop(rows.remove(row.index(count))),
        Mutation::Insert(row, before) => {
            let copy = rows[row.index(count)].clone();
            rows.insert(before.index(count), copy);
        }
        Mutation::Swap(one, other) => rows.swap(one.index(count), other.index(count)),
        Mutation::Truncate(from) => rows.truncate(from.index(count)),
    }
}

fn change(event: &mut StoredEvent, field: Field) {
    match field {
        Field::Id(id) => event.id = EventId(Uuid::from_u128(id)),
        Field::Stream(stream) => event.stream = StreamName(stream),
        Field::Revision(revision) => event.revision = Revision(revision),
        Field::TypeName(name) => event.type_name = name,
        Field::SchemaVersion(version) => event.schema_version = version,
        Field::RecordedAt(us) => event.recorded_at_us = us,
        Field::Command(id) => event.command.0 = Uuid::from_u128(id),
        Field::Metadata(text) => event.metadata = text,
        Field::Payload(bytes) => event.payload = bytes,
    }
}

/// The first covered position at which `now` is not what it was.
fn first_difference(was: &[StoredEvent], now: &[StoredEvent]) -> Option<u64> {
    let covered = usize::try_from(COVERED).unwrap();
    let differs = |place: &usize| now.get(*place) != was.get(*place);
    (0..covered).find(differs).map(|place| place as u64 + 1)
}

/// Where the first bad event is, by what the problem says.
fn bounds(problem: &Problem) -> Option<(u64, u64)> {
    match problem {
        Problem::Within { first, last } | Problem::Unproved { first, last } => {
            Some((*first, *last))
        }
        problem => problem.position().map(|position| (position, position)),
    }
}

/// A log with some checkpoints over it.
async fn signed_log() -> (Rows, TempDir) {
    let (rows, temp) = (Rows::default(), TempDir::new().unwrap());
    for size in [1, 17, 64, COVERED] {
        rows.grow(size);
        checkpoint(&rows, &temp).await.unwrap();
    }
    rows.grow(EVENTS);
    (rows, temp)
}

#[test]
fn any_mutations_are_found_at_the_first_position_that_differs_and_nothing_else_is() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let (rows, temp) = runtime.block_on(signed_log());
    let (_, bare) = runtime.block_on(signed_log());
    fs::remove_file(bare.path().join("leaves")).unwrap();
    proptest!(|(mutations in vec(mutation(), 0..5))| {
        let log = rows.changed(|rows| {
            for mutation in mutations {
                mutate(rows, mutation);
            }
        });
        let expected = first_difference(&rows.all(), &log.all());
        let report = runtime.block_on(verified(Arc::clone(&log), &temp));
        prop_assert_eq!(report.first_bad_position(), expected, "{:?}", report);
        prop_assert_eq!(report.is_intact(), expected.is_none());
        // Without the leaves the checkpoints bound the place.
        let problems = runtime.block_on(verified(log, &bare)).problems;
        let bounds = problems.iter().filter_map(bounds);
        let bounds = bounds.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)));
        match (expected, bounds) {
            (None, None) => {}
            (Some(expected), Some((first, last))) => {
                prop_assert!((first..=last).contains(&expected), "{:?}", problems);
            }
            _ => prop_assert!(false, "{:?} is not {:?}", problems, expected),
        }
    });
}
