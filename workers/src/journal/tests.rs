//! The journal by itself, on a file.

use std::sync::Arc;
use std::time::Duration;

use brokers::{Beginning, Cause, Fingerprint, Positions, Standing};
use bytes::Bytes;
use domain::settlement::{Decision, Reason};
use domain::testing::FixedClock;
use domain::{Clock, Position};
use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

async fn open(directory: &TempDir) -> Journal {
    let path = directory.path().join("journal.db");
    Journal::open(&path, Arc::new(FixedClock::default()))
        .await
        .unwrap()
}

fn owner(number: u128) -> Owner {
    Owner::Listener(Uuid::from_u128(number))
}

fn topic() -> TopicName {
    "orders".parse().unwrap()
}

async fn fresh() -> (TempDir, Journal, ListenerKey) {
    let directory = TempDir::new().unwrap();
    let journal = open(&directory).await;
    let listener = journal.listener(&owner(1), &topic()).await.unwrap();
    (directory, journal, listener)
}

fn claim(listener: ListenerKey, offset: i64) -> Claim {
    message(listener, offset, "a body")
}

/// The claim of a message with that body.
fn message(listener: ListenerKey, offset: i64, body: &str) -> Claim {
    Claim {
        listener,
        taken: Taken::Message {
            group: Uuid::from_u128(1),
            topic: "orders".into(),
            id: MessageId {
                partition: 0,
                offset,
            },
            fingerprint: fingerprint(body),
        },
        calls: true,
    }
}

fn fingerprint(body: &str) -> Fingerprint {
    Fingerprint::new(Some(7), body.as_bytes())
}

/// Begins to read the one partition.
async fn begin(journal: &Journal, listener: ListenerKey, offset: i64, cause: Cause) -> u32 {
    let beginning = Beginning {
        partition: 0,
        offset,
        cause,
    };
    journal
        .positions(listener)
        .begin(vec![beginning])
        .await
        .unwrap()[0]
}

async fn advance(journal: &Journal, listener: ListenerKey, next: i64) {
    let positions = journal.positions(listener);
    positions.advance(vec![(0, next)]).await.unwrap();
}

/// Takes a message, decides and publishes it.
async fn finish(journal: &Journal, claim: Claim) -> Claimed {
    let claimed = take(journal, claim).await.unwrap();
    let draft = Arc::new(draft(Decision::Succeeded, ""));
    journal.decide(claimed.run, draft).await.unwrap();
    journal.published(claimed.run).await.unwrap();
    claimed
}

async fn take(journal: &Journal, claim: Claim) -> Result<Claimed, JournalError> {
    Ok(journal.claim(vec![claim]).await?.remove(0))
}

fn draft(decision: Decision, result: &'static str) -> Draft {
    Draft {
        decision,
        version: "1.0.0".parse().ok(),
        revision: Some(Position(7)),
        status: Some(200),
        reason: (decision == Decision::DeadLettered).then_some(Reason::Refused),
        reason_text: None,
        representation: Representation {
            content_type: Some("text/plain".to_owned()),
            content_encoding: Some("gzip".to_owned()),
        },
        result: Some(Bytes::from_static(result.as_bytes())),
    }
}

#[tokio::test]
async fn a_run_is_decided_once() {
    let (_directory, journal, listener) = fresh().await;
    let run = take(&journal, claim(listener, 1)).await.unwrap().run;
    let first = draft(Decision::Succeeded, "first");
    let second = draft(Decision::DeadLettered, "second");
    // Both in one batch, then again in another.
    let (one, two) = tokio::join!(
        journal.decide(run, Arc::new(first.clone())),
        journal.decide(run, Arc::new(second.clone()))
    );
    let recorded = Recorded::of(first, Timestamp::UNIX_EPOCH);
    assert_eq!(one.unwrap(), Outcome::Recorded(Timestamp::UNIX_EPOCH));
    assert_eq!(two.unwrap(), Outcome::Earlier(Box::new(recorded.clone())));
    let three = journal.decide(run, Arc::new(second)).await.unwrap();
    assert_eq!(three, Outcome::Earlier(Box::new(recorded)));
}

#[tokio::test]
async fn a_decided_run_is_found_with_its_bytes_until_it_is_published() {
    let (directory, journal, listener) = fresh().await;
    let run = take(&journal, claim(listener, 1)).await.unwrap().run;
    let decided = draft(Decision::Succeeded, "result");
    journal
        .decide(run, Arc::new(decided.clone()))
        .await
        .unwrap();
    drop(journal);

    let journal = open(&directory).await;
    let again = take(&journal, claim(listener, 1)).await.unwrap();
    let recorded = Recorded::of(decided, Timestamp::UNIX_EPOCH);
    assert_eq!(again.decision, Some(recorded));
    journal.published(run).await.unwrap();
    let published = take(&journal, claim(listener, 1)).await.unwrap();
    let decision = published.decision.unwrap();
    assert!(decision.published);
    assert_eq!(decision.result, None);
}

#[tokio::test]
async fn attempts_are_counted_through_redeliveries() {
    let (_directory, journal, listener) = fresh().await;
    let new = take(&journal, claim(listener, 1)).await.unwrap();
    assert_eq!((new.attempts, new.claims), (1, 1));
    assert_eq!(journal.attempt(new.run).await.unwrap(), 2);
    let again = take(&journal, claim(listener, 1)).await.unwrap();
    assert_eq!((again.attempts, again.claims), (2, 2));
    journal.refund(new.run, 2).await.unwrap();
    assert_eq!(journal.attempt(new.run).await.unwrap(), 1);
}

#[tokio::test]
async fn the_ledger_balances() {
    let (_directory, journal, listener) = fresh().await;
    let decisions = [
        Decision::Succeeded,
        Decision::Succeeded,
        Decision::DeadLettered,
        Decision::Filtered,
        Decision::Dropped,
    ];
    for (offset, decision) in (0..).zip(decisions) {
        let run = take(&journal, claim(listener, offset)).await.unwrap().run;
        journal
            .decide(run, Arc::new(draft(decision, "")))
            .await
            .unwrap();
        journal
            .decide(run, Arc::new(draft(decision, "")))
            .await
            .unwrap();
    }
    take(&journal, claim(listener, 5)).await.unwrap();
    take(&journal, claim(listener, 5)).await.unwrap();
    let expected = Ledger {
        received: 6,
        succeeded: 2,
        dead_lettered: 1,
        filtered: 1,
        dropped: 1,
        in_flight: 1,
    };
    assert_eq!(journal.ledger(&owner(1)).await.unwrap(), expected);
    assert_eq!(journal.ledger(&owner(3)).await.unwrap(), Ledger::default());
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_page_by_page() {
    let (_directory, journal, listener) = fresh().await;
    let other = journal.listener(&owner(2), &topic()).await.unwrap();
    // Claimed together: more rows than one statement takes.
    let claims = (0..300).map(|offset| take(&journal, claim(listener, offset)));
    futures_util::future::try_join_all(claims).await.unwrap();
    take(&journal, claim(other, 0)).await.unwrap();

    let page = journal.runs(&owner(1), None, 200).await.unwrap();
    let rest = journal
        .runs(&owner(1), Some(page[199].number), 200)
        .await
        .unwrap();
    let numbers: Vec<_> = page.iter().chain(&rest).map(|run| run.number).collect();
    assert!(numbers.is_sorted_by(|newer, older| newer > older));
    assert_eq!(numbers.len(), 300);
    let found = journal.run(&owner(1), page[3].id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&page[3]));
    assert_eq!(journal.run(&owner(2), page[3].id).await.unwrap(), None);
}

const THREE: Retention = Retention {
    keep: Duration::from_secs(60),
    runs: 3,
};

async fn messages(journal: &Journal) -> Vec<String> {
    let left = journal.runs(&owner(1), None, 100).await.unwrap();
    left.into_iter().map(|run| run.message).collect()
}

#[tokio::test]
async fn retention_deletes_the_oldest_published_runs() {
    let (_directory, journal, listener) = fresh().await;
    begin(&journal, listener, 0, Cause::First).await;
    for offset in 0..6 {
        let run = take(&journal, claim(listener, offset)).await.unwrap().run;
        if offset == 5 {
            break;
        }
        journal
            .decide(run, Arc::new(draft(Decision::Succeeded, "")))
            .await
            .unwrap();
        if offset > 0 {
            journal.published(run).await.unwrap();
        }
    }
    advance(&journal, listener, 5).await;
    assert_eq!(journal.prune(THREE).await.unwrap(), 2);
    assert_eq!(journal.prune(THREE).await.unwrap(), 0);
    // The unpublished and the undecided one stay, whatever their age.
    let expected = ["orders/0/5", "orders/0/4", "orders/0/3", "orders/0/0"];
    assert_eq!(messages(&journal).await, expected);
    let ledger = journal.ledger(&owner(1)).await.unwrap();
    assert_eq!((ledger.received, ledger.succeeded), (6, 5));
}

#[tokio::test]
async fn retention_keeps_what_may_come_again_and_the_last_message_that_was_done() {
    let (_directory, journal, listener) = fresh().await;
    begin(&journal, listener, 0, Cause::First).await;
    for offset in 0..10 {
        finish(&journal, claim(listener, offset)).await;
    }
    let none = Retention {
        keep: Duration::ZERO,
        runs: 0,
    };
    // Nothing is known to be done on the broker.
    assert_eq!(journal.prune(none).await.unwrap(), 0);
    advance(&journal, listener, 6).await;
    assert_eq!(journal.prune(none).await.unwrap(), 5);
    assert_eq!(messages(&journal).await.last().unwrap(), "orders/0/5");
    let again = take(&journal, claim(listener, 9)).await.unwrap();
    assert!(again.decision.is_some());
    // Of a topic that was created again nothing comes any more.
    begin(&journal, listener, 0, Cause::Recreated).await;
    assert_eq!(journal.prune(none).await.unwrap(), 5);
}

#[tokio::test]
async fn a_message_in_the_place_of_another_is_another_run() {
    let (directory, journal, listener) = fresh().await;
    begin(&journal, listener, 0, Cause::First).await;
    let mut old = Vec::new();
    for offset in 0..4 {
        old.push(finish(&journal, message(listener, offset, "old")).await);
    }
    // The log lost its end, and goes on with other messages.
    let new = finish(&journal, message(listener, 2, "new")).await;
    assert_eq!(new.claims, 1);
    assert_ne!(new.run_id, old[2].run_id);
    drop(journal);

    let journal = open(&directory).await;
    for (offset, body, expected) in [(1, "old", &old[1]), (2, "new", &new)] {
        let again = take(&journal, message(listener, offset, body))
            .await
            .unwrap();
        assert_eq!((again.run, again.run_id), (expected.run, expected.run_id));
        assert!(again.decision.is_some());
    }
    let other = take(&journal, message(listener, 3, "newer")).await.unwrap();
    assert!(other.decision.is_none());
    let ledger = journal.ledger(&owner(1)).await.unwrap();
    assert_eq!((ledger.received, ledger.succeeded), (6, 5));
}

#[tokio::test]
async fn the_same_message_of_a_topic_that_was_created_again_is_another_run() {
    let (_directory, journal, listener) = fresh().await;
    assert_eq!(begin(&journal, listener, 0, Cause::First).await, 0);
    let old = finish(&journal, claim(listener, 0)).await;
    assert_eq!(begin(&journal, listener, 0, Cause::Recreated).await, 1);
    let new = take(&journal, claim(listener, 0)).await.unwrap();
    assert_eq!((new.claims, new.decision), (1, None));
    assert_ne!(new.run_id, old.run_id);
}

#[test]
fn a_message_has_one_run_for_each_listener() {
    let run_id = |group, offset, incarnation| {
        let id = MessageId {
            partition: 1,
            offset,
        };
        id.run_id(Uuid::from_u128(group), "orders", incarnation)
    };
    assert_eq!(run_id(1, 7, 0), run_id(1, 7, 0));
    for other in [run_id(1, 8, 0), run_id(2, 7, 0), run_id(1, 7, 1)] {
        assert_ne!(run_id(1, 7, 0), other);
    }
}

#[tokio::test]
async fn positions_outlive_the_process_and_never_go_back_by_themselves() {
    let (directory, journal, listener) = fresh().await;
    assert_eq!(journal.positions(listener).load().await.unwrap(), []);
    begin(&journal, listener, 3, Cause::First).await;
    for offset in [3, 4, 6] {
        finish(&journal, message(listener, offset, &offset.to_string())).await;
    }
    for next in [7, 5] {
        advance(&journal, listener, next).await;
    }
    let standing = Standing {
        partition: 0,
        incarnation: 0,
        next: 7,
        last: Some((6, fingerprint("6"))),
    };
    assert_eq!(
        journal.positions(listener).load().await.unwrap(),
        [standing]
    );
    drop(journal);

    let journal = open(&directory).await;
    let listener = journal.listener(&owner(1), &topic()).await.unwrap();
    assert_eq!(
        journal.positions(listener).load().await.unwrap(),
        [standing]
    );
    begin(&journal, listener, 5, Cause::Truncated { lost: 2 }).await;
    let truncated = Standing {
        next: 5,
        last: Some((4, fingerprint("4"))),
        ..standing
    };
    assert_eq!(
        journal.positions(listener).load().await.unwrap(),
        [truncated]
    );
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
        let refused = journal.listener(&owner(1), &topic()).await;
        assert!(matches!(refused, Err(JournalError::Closed)));
    }
    journal.ended().await;
}
