//! What is decided and not published.

use domain::run::OutputState;
use domain::testing::{score, topic_id};

use super::sample::{claim, decide, fresh, group, outputs, owner, succeeded, take};
use super::{Opener, claims};
use crate::journal::{OutputEnd, Pending, Unpublished};

claims![
    a_result_is_taken_by_one_at_a_time,
    a_result_is_taken_with_all_that_it_is_published_with,
    large_results_are_taken_a_few_at_a_time,
    outputs_end_one_by_one,
];

async fn a_result_is_taken_by_one_at_a_time(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let claimed = take(&journal, claim(listener, 1)).await.unwrap();
    decide(&journal, &claimed, succeeded("one")).await;
    // Whoever decided has it.
    assert_eq!(journal.take_unpublished(0, 10).await.unwrap(), []);
    journal.let_go(claimed.run).await.unwrap();
    let (one, other) = tokio::join!(
        journal.take_unpublished(0, 10),
        journal.take_unpublished(0, 10)
    );
    assert_eq!(one.unwrap().len() + other.unwrap().len(), 1);
    journal.let_go(claimed.run).await.unwrap();
    journal.hold(claimed.run).await.unwrap();
    assert_eq!(journal.take_unpublished(0, 10).await.unwrap(), []);
    journal.let_go(claimed.run).await.unwrap();
    journal.published(claimed.run).await.unwrap();
    assert_eq!(journal.take_unpublished(0, 10).await.unwrap(), []);
}

async fn a_result_is_taken_with_all_that_it_is_published_with(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let mut runs = Vec::new();
    for offset in 0..3 {
        let claimed = take(&journal, claim(listener, offset)).await.unwrap();
        decide(&journal, &claimed, succeeded("a result")).await;
        journal.let_go(claimed.run).await.unwrap();
        runs.push(claimed);
    }
    let Pending::Result(publication) = succeeded("a result").pending else {
        panic!("there is no result");
    };
    let first = journal.take_unpublished(0, 1).await.unwrap();
    let expected = Unpublished {
        run: runs[0].run,
        run_id: runs[0].run_id,
        algorithm: score(),
        listener: Some(group()),
        version: "1.0.0".parse().unwrap(),
        publication,
    };
    assert_eq!(first, [expected]);
    let rest = journal.take_unpublished(first[0].run.number(), 10).await;
    let rest: Vec<_> = rest.unwrap().into_iter().map(|taken| taken.run).collect();
    assert_eq!(rest, [runs[1].run, runs[2].run]);
}

async fn large_results_are_taken_a_few_at_a_time(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let large: &'static str = "x".repeat(9 * 1024 * 1024).leak();
    for offset in 0..3 {
        let claimed = take(&journal, claim(listener, offset)).await.unwrap();
        decide(&journal, &claimed, succeeded(large)).await;
        journal.let_go(claimed.run).await.unwrap();
    }
    for _ in 0..3 {
        assert_eq!(journal.take_unpublished(0, 10).await.unwrap().len(), 1);
    }
    assert_eq!(journal.take_unpublished(0, 10).await.unwrap(), []);
}

async fn outputs_end_one_by_one(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let claimed = take(&journal, claim(listener, 1)).await.unwrap();
    let run = claimed.run;
    decide(&journal, &claimed, succeeded("one")).await;
    let states = async || {
        let listed = journal.runs(&owner(), None, 1).await.unwrap().remove(0);
        assert!(
            listed
                .outputs
                .iter()
                .map(|output| &output.topic)
                .eq(&outputs())
        );
        let states = listed.outputs.iter().map(|output| output.state);
        states.collect::<Vec<_>>()
    };
    assert_eq!(states().await, [OutputState::Waiting; 2]);
    for _ in 0..2 {
        let ended = journal.end_output(run, topic_id("scores"), OutputEnd::Withdrawn);
        ended.await.unwrap();
    }
    let expected = [OutputState::Withdrawn, OutputState::Waiting];
    assert_eq!(states().await, expected);
    let again = take(&journal, claim(listener, 1)).await.unwrap();
    let Pending::Result(left) = again.decision.unwrap().draft.pending else {
        panic!("nothing is left to be published");
    };
    assert_eq!(left.outputs, [topic_id("archive")]);
    journal.published(run).await.unwrap();
    // In line behind it.
    journal.attempt(run).await.unwrap();
    let expected = [OutputState::Withdrawn, OutputState::Published];
    assert_eq!(states().await, expected);
    let ledger = journal.ledgers(&[owner()]).await.unwrap();
    let counts = (ledger[0].outputs_withdrawn, ledger[0].outputs_too_large);
    assert_eq!(counts, (1, 0));
}
