//! Many subscribers of one log.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use domain::testing::FixedClock;
use domain::{CommandId, Revision, StreamName};
use futures_util::future::join_all;
use futures_util::poll;
use tempfile::TempDir;
use tokio::time::timeout;

use super::*;
use crate::contract::sample;
use crate::port::{Append, AppendError, Appended, Expected};
use crate::sqlite::SqliteEventStore;

/// Far more than any of this takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A log that counts its followers.
struct Counted {
    log: SqliteEventStore,
    followers: Arc<()>,
    _dir: TempDir,
}

impl Counted {
    async fn new() -> Arc<Self> {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("log.db");
        let log = SqliteEventStore::open(&path, Arc::new(FixedClock::default())).await;
        Arc::new(Self {
            log: log.unwrap(),
            followers: Arc::new(()),
            _dir: dir,
        })
    }

    /// The followers that there are now.
    fn followers(&self) -> usize {
        Arc::strong_count(&self.followers) - 1
    }

    /// Appends so many events.
    async fn grow(&self, by: usize) {
        static STREAMS: AtomicUsize = AtomicUsize::new(0);
        let number = STREAMS.fetch_add(1, Ordering::Relaxed);
        let append = sample(&format!("a-{number}"), Expected::NoStream, by);
        self.log.append(append).await.unwrap();
    }
}

#[async_trait]
impl EventStore for Counted {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.log.append(append).await
    }

    async fn appended(
        &self,
        command: CommandId,
    ) -> Result<Option<(Appended, [u8; 32])>, ReadError> {
        self.log.appended(command).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        from: Revision,
        limit: usize,
    ) -> Result<Vec<Envelope>, ReadError> {
        self.log.read_stream(stream, from, limit).await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Envelope>, ReadError> {
        self.log.read_all(after, limit).await
    }

    async fn head(&self) -> Result<Position, ReadError> {
        self.log.head().await
    }

    fn follow(&self, after: Position) -> Follow {
        let counted = Arc::clone(&self.followers);
        let events = self.log.follow(after);
        events
            .inspect(move |_| {
                let _held = &counted;
            })
            .boxed()
    }
}

/// The positions of the next `count` events.
async fn next(events: &mut Events, count: usize) -> Vec<u64> {
    let next = events.take(count).map(|event| event.unwrap().position.0);
    timeout(PATIENCE, next.collect()).await.unwrap()
}

#[tokio::test]
async fn one_follower_serves_all_subscribers_at_the_end() {
    let log = Counted::new().await;
    log.grow(5).await;
    let feed = EventFeed::new(log.clone());
    let mut all: Vec<_> = (0..200).map(|_| feed.subscribe(Position(5))).collect();
    // None is polled before it is its turn, as with slow clients.
    for events in &mut all {
        assert!(poll!(events.next()).is_pending());
    }
    // What is appended before the reader knows where the log ends is not for it to read.
    let mut span = feed.reader().span.clone();
    timeout(PATIENCE, span.wait_for(Option::is_some))
        .await
        .unwrap()
        .unwrap();
    log.grow(3).await;
    for read in join_all(all.iter_mut().map(|events| next(events, 3))).await {
        assert_eq!(read, [6, 7, 8]);
    }
    assert_eq!(log.followers(), 1);
    drop(all);
    // The task ends when it is next polled.
    while log.followers() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_subscriber_behind_reads_the_log_until_what_it_needs_is_held() {
    let log = Counted::new().await;
    log.grow(700).await;
    let feed = EventFeed::new(log.clone());
    let mut events = feed.subscribe(Position(0));
    assert_eq!(next(&mut events, 300).await, (1..=300).collect::<Vec<_>>());
    assert_eq!(log.followers(), 2);
    log.grow(50).await;
    assert_eq!(
        next(&mut events, 450).await,
        (301..=750).collect::<Vec<_>>()
    );
    // The reader and its own follower race for the latest events, but not for long.
    let mut last = 750;
    let caught_up = async {
        while log.followers() > 1 {
            last += 1;
            log.grow(1).await;
            assert_eq!(next(&mut events, 1).await, [last]);
        }
    };
    timeout(PATIENCE, caught_up).await.unwrap();
}

#[tokio::test]
async fn a_subscriber_that_was_slow_misses_nothing() {
    let log = Counted::new().await;
    let feed = EventFeed::new(log.clone());
    let (mut slow, mut quick) = (feed.subscribe(Position(0)), feed.subscribe(Position(0)));
    log.grow(1).await;
    assert_eq!(next(&mut slow, 1).await, [1]);
    let many = MOST_HELD + 600;
    for _ in 0..many / 100 {
        log.grow(100).await;
    }
    let total = (many / 100 * 100 + 1) as u64;
    assert_eq!(next(&mut quick, total as usize).await.last(), Some(&total));
    let rest = next(&mut slow, total as usize - 1).await;
    assert_eq!(rest, (2..=total).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_held_is_bounded_in_events_and_in_bytes() {
    let log = Counted::new().await;
    log.grow(1).await;
    let some = log.read_all(Position(0), 1).await.unwrap().remove(0);
    let event = |position: u64, length: usize| Envelope {
        position: Position(position),
        payload: vec![0; length],
        ..some.clone()
    };
    let mut held = Held::after(Position(0));
    for position in 1..=MOST_HELD as u64 + 7 {
        held.take(event(position, 10));
    }
    assert_eq!(held.events.len(), MOST_HELD);
    assert_eq!(held.some_after(Position(6)), None);
    assert_eq!(held.some_after(Position(7)).unwrap()[0].position.0, 8);
    let last = held.span.reached.0;
    for position in last + 1..=last + 20 {
        held.take(event(position, 1024 * 1024));
    }
    assert_eq!(held.events.len(), 7);
    assert!(held.bytes <= MOST_BYTES);
}
