//! The skip test: what a reader that goes on from the last position it saw never gets to see.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use domain::Position;
use futures_util::future::join_all;

use super::sample::append_at_end;
use super::{Claim, Log};
use crate::port::EventStore;

const WRITERS: usize = 16;

/// What each of them appends.
const EACH: usize = 40;

/// Positions read at once.
const PAGE: usize = 100;

/// Something that several writers append to at once, and that has positions.
#[async_trait]
pub(crate) trait Positioned: Send + Sync + 'static {
    /// Appends something, as `writer` does; each writer is asked for one thing after the other.
    async fn append(&self, writer: usize);

    /// Up to `limit` positions after `after`, in order.
    async fn after(&self, after: Position, limit: usize) -> Vec<Position>;
}

pub(super) fn claims() -> Vec<Claim> {
    vec![(
        "a reader at a position never later sees an event at or below it",
        |log| Box::pin(nothing_is_skipped(log)),
    )]
}

async fn nothing_is_skipped(log: Log) {
    // Each handle has a writer of its own, as each process has.
    let handles = join_all((0..4).map(|_| log())).await;
    assert_eq!(skipped(Handles(handles)).await, []);
}

struct Handles(Vec<Arc<dyn EventStore>>);

#[async_trait]
impl Positioned for Handles {
    async fn append(&self, writer: usize) {
        let store = &self.0[writer % self.0.len()];
        append_at_end(&**store, &format!("a-{writer}")).await;
    }

    async fn after(&self, after: Position, limit: usize) -> Vec<Position> {
        let events = self.0[0].read_all(after, limit).await.unwrap();
        events.iter().map(|event| event.position).collect()
    }
}

/// The positions that a reader passed over while [`WRITERS`] appended, and that are there.
pub(crate) async fn skipped(log: impl Positioned) -> Vec<Position> {
    let (log, written) = (Arc::new(log), Arc::new(AtomicBool::new(false)));
    let reader = {
        let (log, written) = (Arc::clone(&log), Arc::clone(&written));
        tokio::spawn(async move {
            let (mut seen, mut last) = (BTreeSet::new(), Position(0));
            loop {
                let was_written = written.load(Ordering::Acquire);
                let page = log.after(last, PAGE).await;
                last = page.last().copied().unwrap_or(last);
                let ended = was_written && page.is_empty();
                seen.extend(page);
                if ended {
                    return seen;
                }
            }
        })
    };
    let writers = (0..WRITERS).map(|writer| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            for _ in 0..EACH {
                log.append(writer).await;
            }
        })
    });
    for written in join_all(writers.collect::<Vec<_>>()).await {
        written.unwrap();
    }
    written.store(true, Ordering::Release);
    let seen = reader.await.unwrap();
    let all = log.after(Position(0), WRITERS * EACH + 1).await;
    assert_eq!(all.len(), WRITERS * EACH);
    all.into_iter().filter(|one| !seen.contains(one)).collect()
}
