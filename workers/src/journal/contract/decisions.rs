//! Deciding.

use std::sync::Arc;

use domain::run::Ledger;
use domain::settlement::Decision;

use super::sample::{claim, decide, fresh, owner, succeeded, take, without_result};
use super::{Opener, claims};
use crate::journal::{Outcome, Pending, Recorded};

claims![
    a_run_is_decided_once,
    a_decision_is_found_as_it_was_made,
    a_decided_run_is_found_with_its_bytes_until_it_is_published,
    the_ledger_balances,
];

async fn a_run_is_decided_once(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let run = take(&journal, claim(listener, 1)).await.unwrap().run;
    let first = succeeded("first");
    let second = without_result(Decision::DeadLettered);
    // Both in one batch, then again in another.
    let (one, two) = tokio::join!(
        journal.decide(run, Arc::new(first.clone())),
        journal.decide(run, Arc::new(second.clone()))
    );
    let Outcome::Recorded(at) = one.unwrap() else {
        panic!("the first decision was not the first");
    };
    let earlier = Outcome::Earlier(Box::new(Recorded {
        draft: first,
        finished_at: at,
    }));
    assert_eq!(two.unwrap(), earlier);
    let three = journal.decide(run, Arc::new(second)).await.unwrap();
    assert_eq!(three, earlier);
}

async fn a_decision_is_found_as_it_was_made(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let drafts = [
        succeeded("a result"),
        without_result(Decision::DeadLettered),
        without_result(Decision::Filtered),
        without_result(Decision::Dropped),
    ];
    for (offset, draft) in (0..).zip(drafts.clone()) {
        let claimed = take(&journal, claim(listener, offset)).await.unwrap();
        decide(&journal, &claimed, draft).await;
    }
    drop(journal);

    let journal = open().await;
    for (offset, draft) in (0..).zip(drafts) {
        let again = take(&journal, claim(listener, offset)).await.unwrap();
        assert_eq!(again.decision.map(|recorded| recorded.draft), Some(draft));
    }
}

async fn a_decided_run_is_found_with_its_bytes_until_it_is_published(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let claimed = take(&journal, claim(listener, 1)).await.unwrap();
    let decided = succeeded("result");
    decide(&journal, &claimed, decided.clone()).await;
    let again = take(&journal, claim(listener, 1)).await.unwrap();
    assert_eq!(again.decision.unwrap().draft.pending, decided.pending);
    journal.published(claimed.run).await.unwrap();
    let published = take(&journal, claim(listener, 1)).await.unwrap();
    let decision = published.decision.unwrap().draft;
    assert_eq!(decision.pending, Pending::Nothing);
    assert_eq!(decision.digest, decided.digest);
}

async fn the_ledger_balances(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let drafts = [
        succeeded(""),
        succeeded(""),
        without_result(Decision::DeadLettered),
        without_result(Decision::Filtered),
        without_result(Decision::Dropped),
    ];
    for (offset, draft) in (0..).zip(drafts) {
        let claimed = take(&journal, claim(listener, offset)).await.unwrap();
        decide(&journal, &claimed, draft.clone()).await;
        decide(&journal, &claimed, draft).await;
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
        ..Ledger::default()
    };
    let unknown = crate::journal::Owner::Listener(uuid::Uuid::from_u128(3));
    let ledgers = journal.ledgers(&[unknown, owner()]).await.unwrap();
    assert_eq!(ledgers, [Ledger::default(), expected]);
}
