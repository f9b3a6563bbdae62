//! What one message sets off, and what its calls came to.

use std::time::{Duration, Instant};

use brokers::Cause;
use domain::RunId;
use domain::run::{AttemptOutcome, CorrelationId, End, RunFilter, RunPage};
use domain::settlement::Decision;
use domain::testing::{listener_id, score, topic_id};
use uuid::Uuid;

use super::sample::{
    advance, begin, claim, decide, fresh, message, owner, succeeded, take, without_result,
};
use super::{Opener, claims};
use crate::journal::{
    Claim, FailedCall, Journal, ListenerKey, MOST_FAILED_CALLS, Retention, Taken, Timing, Upstream,
};

/// No runs.
const NONE: [i64; 0] = [];

claims![
    the_runs_of_a_message_and_of_what_it_set_off_are_found_by_its_workflow,
    a_direct_run_begins_a_workflow,
    calls_that_did_not_succeed_are_told_in_their_order,
    of_many_calls_the_last_are_kept_and_go_with_their_run,
    a_run_tells_which_queue_has_its_dead_letter,
];

async fn workflow(journal: &Journal, id: CorrelationId) -> Vec<i64> {
    let page = RunPage {
        end: End::Oldest,
        ..RunPage::newest(RunFilter::of_workflow(id), 100)
    };
    let runs = journal.page(page).await.unwrap().runs;
    let mut numbers: Vec<_> = runs.iter().map(|run| run.number).collect();
    assert!(runs.iter().all(|run| run.correlation == id), "{runs:?}");
    numbers.reverse();
    numbers
}

/// The claim of a message that says where it comes from.
fn coming(listener: ListenerKey, offset: i64, upstream: Upstream) -> Claim {
    let mut claim = claim(listener, offset);
    if let Taken::Message { upstream: said, .. } = &mut claim.taken {
        *said = upstream;
    }
    claim
}

async fn the_runs_of_a_message_and_of_what_it_set_off_are_found_by_its_workflow(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let other_group = Uuid::from_u128(2);
    let other = journal.listener(other_group, &listener_id("orders")).await;
    let next_group = Uuid::from_u128(3);
    let next = journal.listener(next_group, &listener_id("scores")).await;
    let (other, next) = (other.unwrap(), next.unwrap());
    let root = take(&journal, claim(listener, 1)).await.unwrap();
    let sibling = take(&journal, claim(other, 1)).await.unwrap();
    // Another message of the topic, and one that was at that place in another life of it.
    take(&journal, claim(listener, 2)).await.unwrap();
    take(&journal, message(listener, 1, "another body"))
        .await
        .unwrap();

    let told = journal.run(&owner(), root.run_id).await.unwrap().unwrap();
    let id = told.correlation;
    assert_eq!((told.parent, id.standing().offset), (None, 1));
    let upstream = Upstream {
        correlation: Some(id),
        parent: Some(root.run_id),
    };
    let child = take(&journal, coming(next, 9, upstream)).await.unwrap();
    let numbers = [&root, &sibling, &child].map(|run| run.run.number());
    assert_eq!(workflow(&journal, id).await, numbers);
    let child = RunFilter {
        ids: Some(vec![child.run_id]),
        ..RunFilter::of_workflow(id)
    };
    let child = journal.page(RunPage::newest(child, 1)).await.unwrap();
    assert_eq!(child.runs[0].parent, Some(root.run_id));

    // A message may bring a trace id of somebody else.
    let strange = CorrelationId([9; 16]);
    assert_eq!(workflow(&journal, strange).await, NONE);
    let upstream = Upstream {
        correlation: Some(strange),
        parent: None,
    };
    let run = take(&journal, coming(listener, 3, upstream)).await.unwrap();
    assert_eq!(workflow(&journal, strange).await, [run.run.number()]);
}

async fn a_direct_run_begins_a_workflow(open: Opener) {
    let (journal, _) = fresh(&open).await;
    let callers = journal.direct(&score()).await.unwrap();
    let direct = |id| Claim {
        listener: callers,
        taken: Taken::Direct(RunId(Uuid::from_u128(id))),
        calls: true,
    };
    let run = take(&journal, direct(1)).await.unwrap();
    take(&journal, direct(2)).await.unwrap();
    let callers = domain::run::Owner::DirectCallers(score());
    let told = journal.run(&callers, run.run_id).await.unwrap().unwrap();
    assert_eq!(told.message, None);
    let numbers = workflow(&journal, told.correlation).await;
    assert_eq!(numbers, [run.run.number()]);
}

fn failed(text: &str) -> FailedCall {
    FailedCall {
        timing: Timing {
            began: Instant::now(),
            took: Duration::from_micros(1500),
        },
        version: "1.0.0".parse().unwrap(),
        outcome: AttemptOutcome::ErrorAnswer,
        status: Some(503),
        text: text.to_owned(),
        is_counted: true,
    }
}

async fn calls_that_did_not_succeed_are_told_in_their_order(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let run = take(&journal, claim(listener, 1)).await.unwrap();
    let other = take(&journal, claim(listener, 2)).await.unwrap();
    let late = FailedCall {
        outcome: AttemptOutcome::TimedOut,
        status: None,
        is_counted: false,
        ..failed("late\0\u{1f980}")
    };
    // Together: of one run more than one in a commit.
    let (one, two, three) = tokio::join!(
        journal.call_failed(run.run, failed("busy")),
        journal.call_failed(run.run, late),
        journal.call_failed(other.run, failed("other")),
    );
    one.and(two).and(three).unwrap();
    // What was told is written before what is asked afterwards.
    assert_eq!(journal.attempt(run.run).await.unwrap(), 2);
    let told = journal.attempts(run.run).await.unwrap();
    let shown: Vec<_> = told
        .iter()
        .map(|call| (call.outcome, call.status, call.is_counted))
        .collect();
    let expected = [
        (AttemptOutcome::ErrorAnswer, Some(503), true),
        (AttemptOutcome::TimedOut, None, false),
    ];
    assert_eq!(shown, expected);
    assert_eq!(told[0].text.as_deref(), Some("busy"));
    assert_eq!(told[0].took, Duration::from_micros(1500));
    assert_eq!(told[0].version, "1.0.0".parse().ok());
    assert!(told[1].text.as_deref().unwrap().ends_with('\u{1f980}'));
    assert_eq!(journal.attempts(other.run).await.unwrap().len(), 1);
}

async fn of_many_calls_the_last_are_kept_and_go_with_their_run(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let run = take(&journal, claim(listener, 1)).await.unwrap();
    let most = usize::try_from(MOST_FAILED_CALLS).unwrap();
    for number in 0..most + 7 {
        let text = format!("{number}{}", "x".repeat(600));
        journal.call_failed(run.run, failed(&text)).await.unwrap();
    }
    journal.attempt(run.run).await.unwrap();
    let told = journal.attempts(run.run).await.unwrap();
    assert_eq!(told.len(), most);
    let text = told[0].text.as_deref().unwrap();
    assert!(text.starts_with("7x"), "{text}");
    assert_eq!(text.len(), 500);

    decide(&journal, &run, without_result(Decision::Dropped)).await;
    let none = Retention {
        runs: 0,
        ..Retention::default()
    };
    begin(&journal, listener, 1, Cause::First).await;
    advance(&journal, listener, 3).await;
    assert_eq!(journal.prune(none).await.unwrap(), 1);
    assert_eq!(journal.attempts(run.run).await.unwrap(), []);
    // What is told of a run that is gone is forgotten.
    journal.call_failed(run.run, failed("late")).await.unwrap();
    take(&journal, claim(listener, 5)).await.unwrap();
    assert_eq!(journal.attempts(run.run).await.unwrap(), []);
}

async fn a_run_tells_which_queue_has_its_dead_letter(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let dead = take(&journal, claim(listener, 1)).await.unwrap();
    let good = take(&journal, claim(listener, 2)).await.unwrap();
    decide(&journal, &dead, without_result(Decision::DeadLettered)).await;
    decide(&journal, &good, succeeded("result")).await;
    let queue = topic_id("orders-dlq");
    let runs = journal.runs(&owner(), None, 2).await.unwrap();
    assert_eq!(runs[1].dead_letter, None);
    journal
        .dead_lettered(dead.run, queue.clone())
        .await
        .unwrap();
    journal.published(dead.run).await.unwrap();
    journal.attempt(good.run).await.unwrap();
    let runs = journal.runs(&owner(), None, 2).await.unwrap();
    assert_eq!(runs[1].dead_letter, Some(queue));
    assert_eq!((runs[1].outputs.len(), runs[0].outputs.len()), (0, 2));
    let ledgers = journal.ledgers(&[owner()]).await.unwrap();
    assert_eq!(ledgers[0].outputs_withdrawn, 0);
}
