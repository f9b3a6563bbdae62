//! The contract on SQLite, and what only SQLite promises.

use std::sync::Arc;
use std::time::Duration;

use domain::Clock;
use domain::testing::{FixedClock, ManualClock, listener_id};
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
            let journal = Journal::open(&path, Arc::new(clock)).await;
            journal.unwrap()
        })
    })
}

#[tokio::test]
async fn a_worker_that_has_said_nothing_for_long_may_be_gone_and_is_forgotten_in_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let journal = Journal::open(&path, Arc::new(clock.clone())).await.unwrap();
    contract::say_joining(&journal).await;
    clock.advance(Duration::from_secs(29));
    assert!(!contract::told(&journal).await[0].is_stale);
    clock.advance(Duration::from_secs(2));
    assert!(contract::told(&journal).await[0].is_stale);
    clock.advance(Duration::from_secs(24 * 60 * 60));
    journal.prune(Retention::default()).await.unwrap();
    assert_eq!(contract::told(&journal).await, []);
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
    let journal = Journal::open(&path, Arc::new(Broken)).await.unwrap();
    for _ in 0..2 {
        let refused = journal.listener(Uuid::nil(), &listener_id("orders")).await;
        assert!(matches!(refused, Err(JournalError::Closed)));
    }
    journal.ended().await;
}
