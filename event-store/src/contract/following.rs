//! The total order that a follower can trust.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use domain::{Position, Revision};
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::time::timeout;

use super::sample::append_at_end;
use super::{Claim, Log};
use crate::port::Follow;

/// Far more than any of this takes.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn claims() -> Vec<Claim> {
    vec![
        (
            "a follower sees each position once and in order under 16 writers",
            |log| Box::pin(total_order(log)),
        ),
        ("a follower starts after any position", |log| {
            Box::pin(from_anywhere(log))
        }),
        ("a follower sees what another handle appends", |log| {
            Box::pin(other_handle(log))
        }),
        ("a follower outlives the handle it came from", |log| {
            Box::pin(outlives_its_handle(log))
        }),
    ]
}

async fn total_order(log: Log) {
    const WRITERS: usize = 16;
    const EACH: usize = 100;
    let handles = [log().await, log().await];
    let writers = (0..WRITERS).map(|writer| {
        let store = Arc::clone(&handles[writer % 2]);
        tokio::spawn(async move {
            for n in 0..EACH {
                append_at_end(&*store, &format!("a-{}", (writer + n) % 5)).await;
            }
        })
    });
    let writing = join_all(writers.collect::<Vec<_>>());

    // In the middle of it all, so that it catches up while the head moves.
    let mut early = handles[0].follow(Position(0));
    expect(&mut early, 1..=50).await;
    let middle = handles[1].head().await.unwrap();
    let total = (WRITERS * EACH) as u64;
    let mut late = handles[1].follow(middle);
    tokio::join!(
        expect(&mut early, 51..=total),
        expect(&mut late, middle.0 + 1..=total),
    );
    for written in writing.await {
        written.unwrap();
    }
    assert_eq!(handles[0].head().await.unwrap(), Position(total));
}

async fn from_anywhere(log: Log) {
    let store = log().await;
    let total = 1100;
    for _ in 0..11 {
        join_all((0..100).map(|n| {
            let store = Arc::clone(&store);
            async move { append_at_end(&*store, &format!("a-{n}")).await }
        }))
        .await;
    }
    for after in [0, 1, 511, 512, 513, total - 1] {
        expect(&mut store.follow(Position(after)), after + 1..=total).await;
    }
    let mut at_head = store.follow(Position(total));
    let (_, ()) = tokio::join!(
        append_at_end(&*store, "a-new"),
        expect(&mut at_head, total + 1..=total + 1),
    );
}

async fn other_handle(log: Log) {
    let (here, there) = (log().await, log().await);
    let mut follower = here.follow(Position(0));
    for position in 1..=3 {
        append_at_end(&*there, "a-1").await;
        expect(&mut follower, position..=position).await;
    }
}

async fn outlives_its_handle(log: Log) {
    let (here, there) = (log().await, log().await);
    let mut follower = here.follow(Position(0));
    append_at_end(&*here, "a-1").await;
    expect(&mut follower, 1..=1).await;
    drop(here);
    append_at_end(&*there, "a-1").await;
    expect(&mut follower, 2..=2).await;
}

/// The follower's next events are the ones at `positions`, and each stream's revisions count up.
async fn expect(follower: &mut Follow, positions: RangeInclusive<u64>) {
    let mut revisions = HashMap::<_, Revision>::new();
    for position in positions {
        let event = timeout(PATIENCE, follower.next())
            .await
            .unwrap_or_else(|_| panic!("nothing came for position {position}"))
            .expect("a follower goes on for ever")
            .unwrap();
        assert_eq!(event.position, Position(position));
        if let Some(before) = revisions.insert(event.stream, event.revision) {
            assert_eq!(event.revision.0, before.0 + 1, "at position {position}");
        }
    }
}
