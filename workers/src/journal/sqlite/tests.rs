//! The contract on SQLite, and what only SQLite promises.

use std::sync::Arc;
use std::time::Duration;

use domain::testing::{FixedClock, ManualClock, WORKER, listener_id};
use domain::worker::{Confirmations, Confirmed, LEASE};
use domain::{Clock, Position, WorkerId};
use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

use crate::journal::contract::{self, Opener};
use crate::journal::{Journal, JournalError, Retention};

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_holds_the_contract() {
    contract::hold(new_journal).await;
}

fn new_journal() -> Opener {
    let directory = Arc::new(TempDir::new().unwrap());
    Arc::new(move || {
        let directory = Arc::clone(&directory);
        Box::pin(async move {
            let path = directory.path().join("journal.db");
            // More exact than what is stored.
            let clock = FixedClock(Timestamp::new(1, 23_456_789).unwrap());
            let journal = Journal::open(&path, WORKER, Arc::new(clock)).await;
            journal.unwrap()
        })
    })
}

#[tokio::test]
async fn a_worker_that_has_said_nothing_for_long_may_be_gone_and_is_forgotten_in_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let journal = Journal::open(&path, WORKER, Arc::new(clock.clone()))
        .await
        .unwrap();
    contract::say_joining(&journal).await;
    clock.advance(Duration::from_secs(29));
    assert!(!contract::told(&journal).await[0].is_stale);
    clock.advance(Duration::from_secs(2));
    assert!(contract::told(&journal).await[0].is_stale);
    clock.advance(Duration::from_secs(24 * 60 * 60));
    journal.prune(Retention::default()).await.unwrap();
    assert_eq!(contract::told(&journal).await, []);
}

#[tokio::test]
async fn a_worker_that_stays_behind_is_waited_for_until_its_lease_ends() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let journal = Journal::open(&path, WORKER, Arc::new(clock.clone()))
        .await
        .unwrap();
    let worker = WorkerId(Uuid::from_u128(1));
    let confirmed = |position| Confirmed {
        applied: Position(position),
        ended: Position(position),
    };
    journal.confirm(worker, confirmed(5)).await.unwrap();
    journal.require(Position(7)).await.unwrap();
    clock.advance(LEASE - Duration::from_secs(1));
    // It says something, but not what is wanted.
    journal.confirm(worker, confirmed(6)).await.unwrap();
    assert_eq!(journal.unconfirmed(Position(7)).await.unwrap(), [worker]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(journal.unconfirmed(Position(7)).await.unwrap(), []);
}

/// A clock that cannot be read.
struct Broken;

impl Clock for Broken {
    fn now(&self) -> Timestamp {
        panic!("the clock is broken")
    }
}

#[tokio::test]
async fn a_writer_that_panics_has_ended_and_answers_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let journal = Journal::open(&path, WORKER, Arc::new(Broken))
        .await
        .unwrap();
    for _ in 0..2 {
        let refused = journal.listener(Uuid::nil(), &listener_id("orders")).await;
        assert!(matches!(refused, Err(JournalError::Closed)));
    }
    journal.ended().await;
}
