//! Taking messages, and reading what became of them.

use domain::RunId;
use domain::settlement::{Decision, Reason};
use domain::testing::{listener_id, score};
use uuid::Uuid;

use super::sample::{claim, decide, fresh, owner, succeeded, take};
use super::{Opener, claims};
use crate::journal::{Claim, Owner, Taken};

claims![
    attempts_are_counted_through_redeliveries,
    a_message_that_is_taken_twice_at_once_has_one_run,
    runs_are_listed_newest_first_and_page_by_page,
    direct_runs_that_a_worker_had_under_way_are_closed_when_it_starts_again,
];

async fn attempts_are_counted_through_redeliveries(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let new = take(&journal, claim(listener, 1)).await.unwrap();
    assert_eq!((new.attempts, new.claims), (1, 1));
    assert_eq!(journal.attempt(new.run).await.unwrap(), 2);
    let again = take(&journal, claim(listener, 1)).await.unwrap();
    assert_eq!((again.attempts, again.claims), (2, 2));
    journal.refund(new.run, 2).await.unwrap();
    assert_eq!(journal.attempt(new.run).await.unwrap(), 1);
}

async fn a_message_that_is_taken_twice_at_once_has_one_run(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let twice = vec![claim(listener, 1), claim(listener, 1)];
    let claimed = journal.claim(twice).await.unwrap();
    let claimed: Vec<_> = claimed.into_iter().flatten().collect();
    assert_eq!(claimed[0].run, claimed[1].run);
    assert_eq!((claimed[0].claims, claimed[1].claims), (1, 2));
    let ledger = journal.ledgers(&[owner()]).await.unwrap();
    assert_eq!(ledger[0].received, 1);
}

async fn runs_are_listed_newest_first_and_page_by_page(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let group = Uuid::from_u128(2);
    let other = journal.listener(group, &listener_id("others")).await;
    // Claimed together: more rows than one statement takes.
    let claims = (0..300).map(|offset| take(&journal, claim(listener, offset)));
    futures_util::future::try_join_all(claims).await.unwrap();
    take(&journal, claim(other.unwrap(), 0)).await.unwrap();

    let page = journal.runs(&owner(), None, 200).await.unwrap();
    let before = Some(page[199].number);
    let rest = journal.runs(&owner(), before, 200).await.unwrap();
    let numbers: Vec<_> = page.iter().chain(&rest).map(|run| run.number).collect();
    assert!(numbers.is_sorted_by(|newer, older| newer > older));
    assert_eq!(numbers.len(), 300);
    let found = journal.run(&owner(), page[3].id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&page[3]));
    let of_other = journal.run(&Owner::Listener(group), page[3].id).await;
    assert_eq!(of_other.unwrap(), None);
}

async fn direct_runs_that_a_worker_had_under_way_are_closed_when_it_starts_again(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let callers = journal.direct(&score()).await.unwrap();
    let direct = |id| Claim {
        listener: callers,
        taken: Taken::Direct(RunId(Uuid::from_u128(id))),
        calls: true,
    };
    let decided = take(&journal, direct(1)).await.unwrap();
    decide(&journal, &decided, succeeded("one")).await;
    take(&journal, direct(2)).await.unwrap();
    take(&journal, claim(listener, 1)).await.unwrap();
    assert_eq!(journal.take_unpublished(0, 10).await.unwrap(), []);
    drop(journal);

    let journal = open().await;
    assert_eq!(journal.recover().await.unwrap(), 1);
    assert_eq!(journal.recover().await.unwrap(), 0);
    let runs = journal.runs(&Owner::DirectCallers(score()), None, 10).await;
    let ends = runs.unwrap().into_iter().map(|run| run.end.unwrap());
    let ends: Vec<_> = ends.map(|end| (end.decision, end.reason)).collect();
    let interrupted = (Decision::Dropped, Some(Reason::Interrupted));
    assert_eq!(ends, [interrupted, (Decision::Succeeded, None)]);
    let ledger = journal.ledgers(&[owner()]).await.unwrap();
    assert_eq!(ledger[0].in_flight, 1);
    // What it held is free, and is taken as it was decided.
    let unpublished = journal.take_unpublished(0, 10).await.unwrap();
    assert_eq!(unpublished.len(), 1);
    assert_eq!(unpublished[0].run, decided.run);
    assert_eq!(unpublished[0].listener, None);
}
