//! Finding runs by what became of them.

use std::sync::Arc;

use domain::RunId;
use domain::run::{End, MessagePlace, Owner, Run, RunFilter, RunPage};
use domain::settlement::{Decision, Reason};
use domain::testing::{listener_id, score};
use jiff::Timestamp;
use uuid::Uuid;

use super::sample::{claim, decide, fresh, owner, succeeded, take, without_result};
use super::{Opener, claims};
use crate::journal::{Claim, Claimed, Draft, Journal, ListenerKey, Taken};

/// No runs.
const NONE: [i64; 0] = [];

claims![
    runs_are_found_by_what_became_of_them,
    runs_of_all_are_listed_together_or_apart,
    a_list_is_read_from_either_end_and_between_two_places,
    runs_are_found_by_the_time_at_which_they_began,
    a_run_tells_of_its_message_and_of_its_call,
];

async fn found(journal: &Journal, filter: RunFilter) -> Vec<i64> {
    let list = journal.page(RunPage::newest(filter, 100)).await.unwrap();
    assert_eq!(list.seen_to, None);
    list.runs.iter().map(|run| run.number).collect()
}

/// Four runs: one waits, one is good, one is a dead letter, one is dropped after two calls.
async fn four(journal: &Journal, listener: ListenerKey) -> [Claimed; 4] {
    let mut runs = Vec::new();
    for offset in 0..4 {
        runs.push(take(journal, claim(listener, offset)).await.unwrap());
    }
    let [_, good, dead, dropped] = &runs[..] else {
        panic!("four runs");
    };
    let of_version = Draft {
        version: "2.0.0".parse().ok(),
        ..succeeded("result")
    };
    decide(journal, good, of_version).await;
    decide(journal, dead, without_result(Decision::DeadLettered)).await;
    let mut too_late = without_result(Decision::Dropped);
    too_late.status = Some(503);
    too_late.fail(
        Decision::Dropped,
        Reason::AttemptsExhausted,
        "late".to_owned(),
    );
    decide(journal, dropped, too_late).await;
    journal.attempt(dropped.run).await.unwrap();
    runs.try_into().expect("four runs")
}

async fn runs_are_found_by_what_became_of_them(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let [waiting, good, dead, dropped] = &four(&journal, listener).await;
    let failure = without_result(Decision::DeadLettered).failure;
    let all = RunFilter::of(owner());
    let number = |run: &Claimed| run.run.number();
    let by = async |change: &(dyn Fn(&mut RunFilter) + Sync)| {
        let mut filter = all.clone();
        change(&mut filter);
        found(&journal, filter).await
    };
    let four = [dropped, dead, good, waiting].map(number);
    assert_eq!(by(&|_| {}).await, four);
    let decisions = vec![Decision::Succeeded, Decision::Dropped];
    let expected = [dropped, good].map(number);
    assert_eq!(
        by(&|all| all.decisions = Some(decisions.clone())).await,
        expected
    );
    assert_eq!(by(&|all| all.decisions = Some(Vec::new())).await, NONE);
    assert_eq!(
        by(&|all| all.is_decided = Some(false)).await,
        [number(waiting)]
    );
    assert_eq!(by(&|all| all.is_decided = Some(true)).await, four[..3]);
    let refused = vec![Reason::Refused];
    assert_eq!(
        by(&|all| all.reasons = Some(refused.clone())).await,
        [number(dead)]
    );
    assert_eq!(
        by(&|all| all.failures = Some(failure.into_iter().collect())).await,
        [number(dead)]
    );
    assert_eq!(
        by(&|all| all.statuses = Some(vec![503, 504])).await,
        [number(dropped)]
    );
    assert_eq!(
        by(&|all| all.versions = Some(vec!["2.0.0".parse().unwrap()])).await,
        [number(good)]
    );
    assert_eq!(
        by(&|all| all.min_attempts = Some(2)).await,
        [number(dropped)]
    );
    assert_eq!(
        by(&|all| all.ids = Some(vec![good.run_id, dead.run_id])).await,
        [dead, good].map(number)
    );
    let second = MessagePlace {
        topic: "orders".to_owned(),
        partition: 0,
        offset: 1,
    };
    assert_eq!(
        by(&|all| all.message = Some(second.clone())).await,
        [number(good)]
    );
    let elsewhere = MessagePlace {
        topic: "scores".to_owned(),
        ..second.clone()
    };
    assert_eq!(by(&|all| all.message = Some(elsewhere.clone())).await, NONE);
    let both = by(&|all| {
        all.decisions = Some(vec![Decision::Succeeded]);
        all.reasons = Some(vec![Reason::Refused]);
    });
    assert_eq!(both.await, NONE);
}

async fn runs_of_all_are_listed_together_or_apart(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let group = Uuid::from_u128(2);
    let other = journal.listener(group, &listener_id("others")).await;
    let other = other.unwrap();
    let callers = journal.direct(&score()).await.unwrap();
    let direct = Claim {
        listener: callers,
        taken: Taken::Direct(RunId(Uuid::from_u128(1))),
        calls: true,
    };
    let mut numbers = Vec::new();
    for claim in [
        claim(listener, 0),
        claim(other, 0),
        direct,
        claim(listener, 1),
    ] {
        numbers.push(take(&journal, claim).await.unwrap().run.number());
    }
    numbers.reverse();
    assert_eq!(found(&journal, RunFilter::default()).await, numbers);
    let of = |owners: &[Owner]| RunFilter {
        owners: Some(owners.to_vec()),
        ..RunFilter::default()
    };
    let listeners = found(&journal, of(&[owner(), Owner::Listener(group)])).await;
    assert_eq!(listeners, [numbers[0], numbers[2], numbers[3]]);
    assert_eq!(found(&journal, of(&[])).await, NONE);
    let is_direct = |is_direct| RunFilter {
        is_direct: Some(is_direct),
        ..RunFilter::default()
    };
    assert_eq!(found(&journal, is_direct(true)).await, [numbers[1]]);
    assert_eq!(found(&journal, is_direct(false)).await, listeners);
    let of_algorithm = |name: &str| RunFilter {
        algorithms: Some(vec![name.parse().unwrap()]),
        ..RunFilter::default()
    };
    assert_eq!(found(&journal, of_algorithm("acme/score")).await, numbers);
    assert_eq!(found(&journal, of_algorithm("acme/other")).await, NONE);
}

async fn a_list_is_read_from_either_end_and_between_two_places(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let mut numbers = Vec::new();
    for offset in 0..5 {
        let run = take(&journal, claim(listener, offset)).await.unwrap();
        numbers.push(run.run.number());
    }
    let read = async |end, above, below, limit| {
        let page = RunPage {
            filter: RunFilter::of(owner()),
            above,
            below,
            end,
            limit,
        };
        let runs = journal.page(page).await.unwrap().runs;
        runs.iter().map(|run| run.number).collect::<Vec<_>>()
    };
    let [a, b, c, d, e] = numbers[..] else {
        panic!("five runs");
    };
    assert_eq!(read(End::Newest, None, None, 2).await, [e, d]);
    assert_eq!(read(End::Newest, None, Some(d), 2).await, [c, b]);
    assert_eq!(read(End::Oldest, None, None, 2).await, [b, a]);
    assert_eq!(read(End::Oldest, Some(b), None, 2).await, [d, c]);
    assert_eq!(read(End::Newest, Some(a), Some(d), 9).await, [c, b]);
    assert_eq!(read(End::Oldest, Some(e), None, 9).await, NONE);
}

async fn runs_are_found_by_the_time_at_which_they_began(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    for offset in 0..3 {
        take(&journal, claim(listener, offset)).await.unwrap();
    }
    let newest = &journal.runs(&owner(), None, 1).await.unwrap()[0];
    let between = async |from: Option<Timestamp>, before: Option<Timestamp>| {
        let filter = RunFilter {
            claimed_from: from,
            claimed_before: before,
            ..RunFilter::of(owner())
        };
        found(&journal, filter).await.len()
    };
    let second = jiff::SignedDuration::from_secs(1);
    let (at, later) = (newest.claimed_at, newest.claimed_at + second);
    assert!(between(Some(at), Some(later)).await > 0);
    assert_eq!(between(Some(later), None).await, 0);
    assert_eq!(between(None, Some(later)).await, 3);
    let hour = jiff::SignedDuration::from_hours(1);
    assert_eq!(between(Some(at - hour), Some(at + hour)).await, 3);
    assert_eq!(between(Some(at - hour * 2), Some(at - hour)).await, 0);
    assert_eq!(between(Some(at + hour), Some(at + hour * 2)).await, 0);
}

async fn a_run_tells_of_its_message_and_of_its_call(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let run = take(&journal, claim(listener, 7)).await.unwrap();
    let took = std::time::Duration::from_millis(30);
    let draft = Draft {
        call: Some(crate::journal::Timing {
            began: std::time::Instant::now() - took * 2,
            took,
        }),
        ..succeeded("result")
    };
    journal.decide(run.run, Arc::new(draft)).await.unwrap();
    let told: Run = journal.run(&owner(), run.run_id).await.unwrap().unwrap();
    let message = told.message.as_ref().unwrap();
    assert_eq!(message.to_string(), "orders/0/7");
    assert_eq!(message.sent_at.unwrap().as_millisecond(), 7);
    assert_eq!((&told.owner, &told.algorithm), (&owner(), &score()));
    let call = told.end.as_ref().unwrap().call.unwrap();
    assert_eq!(call.took, took);
    let finished_at = told.end.as_ref().unwrap().finished_at;
    assert!(call.began_at < finished_at, "{told:?}");
    let last = told.last_attempt().unwrap();
    assert_eq!((last.began_at, last.status), (call.began_at, Some(200)));
}
