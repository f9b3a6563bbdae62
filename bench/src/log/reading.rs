//! A log of many events: filled, read, signed and verified.

use std::sync::Arc;
use std::time::Instant;

use domain::Position;
use event_store::audit::{self, CheckpointDir, Checkpointer, Signer};
use futures_util::StreamExt;
use futures_util::stream;
use server::environment::SystemClock;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::Log;
use super::load::sample;
use crate::stats::rate;

/// Events of a stream, and of an append that fills the log.
const STREAM: u64 = 10;

/// Appends at once.
const FILLERS: usize = 256;

/// Events read at once, as a follower does.
const PAGE: usize = 512;

/// Checkpoints of a log and the key that they are signed with.
pub(crate) struct Checkpoints {
    directory: TempDir,
    signer: Signer,
}

pub(crate) async fn fill(log: &Log, events: u64) {
    let store = log.open().await;
    stream::iter(0..events.div_ceil(STREAM))
        .for_each_concurrent(FILLERS, async |number| {
            let count = usize::try_from(STREAM.min(events - number * STREAM)).unwrap();
            let append = sample(&format!("f{number}"), count);
            store.append(append).await.unwrap();
        })
        .await;
}

/// Events a second, page by page from the first to the last.
pub(crate) async fn whole(log: &Log, events: u64) -> f64 {
    let store = log.open().await;
    let start = Instant::now();
    let mut last = Position(0);
    loop {
        let page = store.read_all(last, PAGE).await.unwrap();
        match page.last() {
            Some(event) => last = event.position,
            None => break,
        }
    }
    assert_eq!(last, Position(events));
    rate(events, start.elapsed())
}

/// Signs the whole log.
pub(crate) async fn sign(log: &Log) -> Checkpoints {
    let signer = || Signer::new("bench", &[7; 32]).unwrap();
    let directory = tempfile::tempdir_in("target").unwrap();
    let checkpoints = CheckpointDir::new(directory.path());
    let clock = Arc::new(SystemClock);
    let checkpointer = Checkpointer::new(log.open().await, checkpoints, signer(), clock);
    // It signs what there is before it stops.
    let stop = CancellationToken::new();
    stop.cancel();
    checkpointer.run(stop).await.unwrap();
    Checkpoints {
        directory,
        signer: signer(),
    }
}

/// Events a second that are proved to be those that were signed.
pub(crate) async fn verify(log: &Log, checkpoints: &Checkpoints, events: u64) -> f64 {
    let store = log.open().await;
    let directory = CheckpointDir::new(checkpoints.directory.path());
    let start = Instant::now();
    let report = audit::verify(store, &directory, checkpoints.signer.verifier()).await;
    let elapsed = start.elapsed();
    let report = report.unwrap();
    assert!(report.is_intact(), "{:?}", report.problems);
    assert_eq!(report.proved, events);
    rate(events, elapsed)
}
