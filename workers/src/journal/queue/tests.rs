//! The queue by itself, in front of a store that fails as it is told.

use std::sync::{Arc, Mutex, mpsc};

use bytes::Bytes;
use domain::settlement::Decision;
use domain::testing::topic_id;
use futures_util::future::join_all;

use super::*;
use crate::journal::decision::{Draft, Outcome, Pending, Publication, Representation};
use crate::journal::operation::{Attempt, Decide};
use crate::journal::record::{ListenerKey, RunKey};

/// A store that answers each attempt with the number of its run.
struct Scripted {
    /// Runs whose attempts fail by themselves.
    culprit: i64,
    /// Runs with whose attempts the disk fails.
    fatal: i64,
    /// How many operations were committed together, batch by batch.
    batches: Arc<Mutex<Vec<usize>>>,
    /// Told of each commit that begins.
    began: mpsc::Sender<()>,
    /// Holds each commit until the test lets it go.
    turns: mpsc::Receiver<()>,
}

fn run(run: i64) -> RunKey {
    RunKey {
        listener: ListenerKey(1),
        run,
    }
}

impl Store for Scripted {
    fn commit(&mut self, operations: &[Operation]) -> Result<Vec<Answer>, StoreError> {
        // A test may have no interest in either.
        let _ = self.began.send(());
        let _ = self.turns.recv();
        let cause = || Arc::new(std::io::Error::other("as the test wants"));
        let mut answers = Vec::new();
        for operation in operations {
            answers.push(match operation {
                Operation::Attempt(Attempt(run)) if run.run == self.culprit => {
                    return Err(StoreError::Operation(cause()));
                }
                Operation::Attempt(Attempt(run)) if run.run == self.fatal => {
                    return Err(StoreError::Broken(cause()));
                }
                Operation::Attempt(Attempt(run)) => {
                    Answer::Attempt(u32::try_from(run.run).unwrap())
                }
                _ => Answer::Decide(Outcome::Forgotten),
            });
        }
        self.batches.lock().unwrap().push(operations.len());
        Ok(answers)
    }
}

/// A queue over a scripted store, and the test's side of it.
struct Bench {
    queue: Queue,
    began: mpsc::Receiver<()>,
    /// Dropped, it lets all commits go.
    turns: mpsc::Sender<()>,
    batches: Arc<Mutex<Vec<usize>>>,
}

fn scripted(culprit: i64, fatal: i64) -> Bench {
    let (begins, began) = mpsc::channel();
    let (next, turns) = mpsc::channel();
    let batches = Arc::new(Mutex::new(Vec::new()));
    let store = Scripted {
        culprit,
        fatal,
        batches: Arc::clone(&batches),
        began: begins,
        turns,
    };
    Bench {
        queue: Queue::start(store).unwrap(),
        began,
        turns: next,
        batches,
    }
}

async fn attempts(queue: &Queue, runs: std::ops::Range<i64>) -> Vec<Result<u32, JournalError>> {
    join_all(runs.map(|number| queue.ask(Attempt(run(number))))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_fails_takes_no_other_with_it() {
    let Bench { queue, turns, .. } = scripted(3, -1);
    drop(turns);
    for (number, answer) in (0..8).zip(attempts(&queue, 0..8).await) {
        assert_eq!(answer.ok(), (number != 3).then_some(number));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_broken_is_not_written_to_again() {
    let bench = scripted(-1, 3);
    let (queue, batches) = (bench.queue, bench.batches);
    drop(bench.turns);
    let failed = queue.ask(Attempt(run(3))).await;
    assert!(matches!(failed, Err(JournalError::Write(_))));
    queue.ended().await;
    let after = queue.ask(Attempt(run(4))).await;
    assert!(matches!(after, Err(JournalError::Closed)));
    assert!(batches.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_that_wait_are_committed_together_up_to_a_number_of_bytes() {
    let bench = scripted(-1, -1);
    let queue = bench.queue;
    let draft = |bytes: usize| Draft {
        decision: Decision::Succeeded,
        version: None,
        revision: None,
        status: None,
        reason: None,
        reason_text: None,
        failure: None,
        digest: None,
        call: None,
        pending: Pending::Result(Publication {
            outputs: vec![topic_id("scores")],
            key: None,
            traceparent: Bytes::new(),
            representation: Representation::default(),
            body: Bytes::from(vec![0; bytes]),
        }),
    };
    let decide = |number: i64, bytes: usize| {
        let (queue, draft) = (queue.clone(), Arc::new(draft(bytes)));
        let decide = Decide {
            run: run(number),
            draft,
        };
        tokio::spawn(async move { queue.ask(decide).await.map(drop) })
    };
    let first = decide(0, 0);
    // The store has it and waits: what follows gets in line behind it.
    let began = tokio::task::spawn_blocking(move || bench.began.recv());
    began.await.unwrap().unwrap();
    let behind: Vec<_> = (1..7)
        .map(|number| decide(number, MOST_BYTES / 2))
        .collect();
    while queue.waiting() < behind.len() {
        tokio::task::yield_now().await;
    }
    drop(bench.turns);
    first.await.unwrap().unwrap();
    for answer in join_all(behind).await {
        answer.unwrap().unwrap();
    }
    assert_eq!(*bench.batches.lock().unwrap(), [1, 2, 2, 2]);
}
