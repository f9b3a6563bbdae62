//! Claims on who may commit: the process whose epoch is the last.

use domain::lease::Epoch;

use super::sample::{claim, decide, fresh, listener, owner, succeeded, take};
use super::{Opener, claims};
use crate::journal::JournalError;

claims![
    what_was_taken_over_commits_nothing_more,
    an_earlier_epoch_takes_nothing_over,
    an_epoch_is_known_to_the_next_start,
];

async fn what_was_taken_over_commits_nothing_more(open: Opener) {
    let (sleeper, listener_key) = fresh(&open).await;
    assert!(sleeper.take_over(Epoch(1)).await.unwrap());
    let run = take(&sleeper, claim(listener_key, 0)).await.unwrap();
    let successor = open().await;
    assert!(successor.take_over(Epoch(2)).await.unwrap());

    let refused = take(&sleeper, claim(listener_key, 1)).await.unwrap_err();
    assert!(matches!(refused, JournalError::TakenOver), "{refused:?}");
    let draft = std::sync::Arc::new(succeeded("late"));
    let refused = sleeper.decide(run.run, draft).await.unwrap_err();
    assert!(matches!(refused, JournalError::TakenOver), "{refused:?}");
    let listener_key = listener(&successor).await;
    let run = take(&successor, claim(listener_key, 0)).await.unwrap();
    assert_eq!(run.decision, None);
    decide(&successor, &run, succeeded("in time")).await;

    // It goes on once it has the lease again.
    assert!(sleeper.take_over(Epoch(3)).await.unwrap());
    take(&sleeper, claim(listener_key, 1)).await.unwrap();
    let ledger = sleeper.ledgers(&[owner()]).await.unwrap()[0];
    assert_eq!((ledger.received, ledger.succeeded), (2, 1));
}

async fn an_earlier_epoch_takes_nothing_over(open: Opener) {
    let (journal, listener_key) = fresh(&open).await;
    assert!(journal.take_over(Epoch(7)).await.unwrap());
    for late in [0, 6, 7] {
        assert!(!journal.take_over(Epoch(late)).await.unwrap());
    }
    take(&journal, claim(listener_key, 0)).await.unwrap();
}

async fn an_epoch_is_known_to_the_next_start(open: Opener) {
    let (journal, _) = fresh(&open).await;
    assert_eq!(journal.epoch(), Epoch(0));
    assert!(journal.take_over(Epoch(7)).await.unwrap());
    let again = open().await;
    assert_eq!(again.epoch(), Epoch(7));
    let listener_key = listener(&again).await;
    take(&again, claim(listener_key, 0)).await.unwrap();
}
