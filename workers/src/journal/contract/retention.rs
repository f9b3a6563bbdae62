//! What is kept.

use std::sync::Arc;
use std::time::Duration;

use brokers::Cause;

use super::sample::{
    advance, begin, claim, decide, finish, fresh, owner, succeeded, take, take_if_any,
};
use super::{Opener, claims};
use crate::journal::{Journal, Outcome, Retention};

claims![
    retention_deletes_the_oldest_published_runs,
    retention_keeps_what_may_come_again_and_the_last_message_that_was_done,
    what_retention_deleted_has_ended_and_takes_no_decision,
];

const THREE: Retention = Retention {
    keep: Duration::from_secs(60),
    runs: 3,
};

async fn messages(journal: &Journal) -> Vec<String> {
    let left = journal.runs(&owner(), None, 100).await.unwrap();
    let messages = left.into_iter().filter_map(|run| run.message);
    messages.map(|message| message.to_string()).collect()
}

async fn retention_deletes_the_oldest_published_runs(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    begin(&journal, listener, 0, Cause::First).await;
    for offset in 0..6 {
        let claimed = take(&journal, claim(listener, offset)).await.unwrap();
        if offset == 5 {
            break;
        }
        decide(&journal, &claimed, succeeded("")).await;
        if offset > 0 {
            journal.published(claimed.run).await.unwrap();
        }
    }
    advance(&journal, listener, 5).await;
    assert_eq!(journal.prune(THREE).await.unwrap(), 2);
    assert_eq!(journal.prune(THREE).await.unwrap(), 0);
    // The unpublished and the undecided one stay, whatever their age.
    let expected = ["orders/0/5", "orders/0/4", "orders/0/3", "orders/0/0"];
    assert_eq!(messages(&journal).await, expected);
    let ledger = journal.ledgers(&[owner()]).await.unwrap().remove(0);
    assert_eq!((ledger.received, ledger.succeeded), (6, 5));
}

async fn retention_keeps_what_may_come_again_and_the_last_message_that_was_done(open: Opener) {
    let (journal, listener) = fresh(&open).await;
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

/// A worker that sleeps for longer than runs are kept finds nothing to do when it wakes.
async fn what_retention_deleted_has_ended_and_takes_no_decision(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    begin(&journal, listener, 0, Cause::First).await;
    let mut runs = Vec::new();
    for offset in 0..5 {
        runs.push(finish(&journal, claim(listener, offset)).await);
    }
    advance(&journal, listener, 5).await;
    let none = Retention {
        keep: Duration::ZERO,
        runs: 0,
    };
    assert_eq!(journal.prune(none).await.unwrap(), 4);
    for journal in [journal, open().await] {
        let again = take_if_any(&journal, claim(listener, 2)).await.unwrap();
        assert_eq!(again, None);
        let late = journal
            .decide(runs[2].run, Arc::new(succeeded("late")))
            .await;
        assert_eq!(late.unwrap(), Outcome::Forgotten);
        // The last one is kept, and known.
        let last = take(&journal, claim(listener, 4)).await.unwrap();
        assert!(last.decision.is_some());
        let ledger = journal.ledgers(&[owner()]).await.unwrap()[0];
        assert_eq!((ledger.received, ledger.succeeded), (5, 5));
    }
}
