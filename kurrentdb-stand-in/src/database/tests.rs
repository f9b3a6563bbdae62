//! Expectations, idempotency and the file.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;

use uuid::Uuid;

use super::{Database, Expected, Refused, Written};
use crate::id;
use crate::protocol::event_store::client::streams::batch_append_req::ProposedMessage;

#[test]
fn an_append_is_done_where_its_expectation_holds() {
    let database = Database::open(None).unwrap();
    assert_eq!(revision(&database, Expected::NoStream, 1..3), Ok(1));
    assert_eq!(revision(&database, Expected::Revision(1), 3..4), Ok(2));
    assert_eq!(revision(&database, Expected::Any, 4..5), Ok(3));
    assert_eq!(revision(&database, Expected::StreamExists, 5..6), Ok(4));
    for wrong in [
        Expected::NoStream,
        Expected::Revision(3),
        Expected::Revision(5),
        Expected::Revision(u64::MAX),
    ] {
        assert_eq!(revision(&database, wrong, 6..7), Err(Some(4)), "{wrong:?}");
    }
    let other = database.append(b"other", Expected::StreamExists, events(7..8));
    assert!(matches!(
        other,
        Err(Refused::WrongExpectedVersion { actual: None })
    ));
    assert_eq!(database.length(), 5);
}

#[test]
fn the_same_events_under_the_same_expectation_are_appended_once() {
    let database = Database::open(None).unwrap();
    let first = database.append(b"a", Expected::NoStream, events(1..3));
    let first = first.unwrap();
    assert_eq!(revision(&database, Expected::Revision(1), 3..4), Ok(2));
    for expected in [Expected::NoStream, Expected::Any, Expected::StreamExists] {
        let again = database.append(b"a", expected, events(1..3)).unwrap();
        assert_eq!(again, first, "{expected:?}");
    }
    // One more than was appended then is another append.
    assert_eq!(revision(&database, Expected::NoStream, 1..5), Err(Some(2)));
    assert_eq!(database.length(), 3);
}

#[test]
fn a_file_holds_what_was_appended_and_not_what_was_cut_off() {
    let file = File::new("cut");
    let database = Database::open(Some(&file.0)).unwrap();
    database
        .append(b"a", Expected::NoStream, events(1..3))
        .unwrap();
    let whole = fs::metadata(&file.0).unwrap().len();
    let last = database.append(b"a", Expected::Revision(1), events(3..4));
    let last = last.unwrap();
    drop(database);

    let database = Database::open(Some(&file.0)).unwrap();
    let again = database.append(b"a", Expected::Revision(1), events(3..4));
    assert_eq!(again.unwrap(), last);
    drop(database);

    let cut = OpenOptions::new().write(true).open(&file.0).unwrap();
    let bytes = cut.metadata().unwrap().len();
    cut.set_len(bytes - 1).unwrap();
    let database = Database::open(Some(&file.0)).unwrap();
    assert_eq!(database.length(), 2);
    assert_eq!(fs::metadata(&file.0).unwrap().len(), whole);
    assert_eq!(revision(&database, Expected::Revision(1), 9..10), Ok(2));
}

/// The last revision of the stream `a` after an append, or the one that refused it.
fn revision(
    database: &Database,
    expected: Expected,
    ids: std::ops::Range<u128>,
) -> Result<u64, Option<u64>> {
    match database.append(b"a", expected, events(ids)) {
        Ok(Written { revision, .. }) => Ok(revision),
        Err(Refused::WrongExpectedVersion { actual }) => Err(actual),
        Err(other) => panic!("{other:?}"),
    }
}

fn events(ids: std::ops::Range<u128>) -> Vec<ProposedMessage> {
    let event = |number| ProposedMessage {
        id: Some(id::to_protocol(Uuid::from_u128(number), number % 2 == 0)),
        data: b"{}".to_vec(),
        ..ProposedMessage::default()
    };
    ids.map(event).collect()
}

/// A file's path, removed with this value.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let name = format!("kurrentdb-stand-in-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
