//! The log's stream, read, and what a process has learnt of it.
//!
//! A read costs the client some 40 ms even on one machine (it holds back half of every request
//! until the first half is acknowledged), so the feed brings events, and reads are left for what
//! is long past and for when the feed is down.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use domain::{CommandId, Envelope, Position, Revision, StreamName};
use kurrentdb::ResolvedEvent;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use super::ahead::Ahead;
use super::failure::Failure;
use super::index::Index;
use super::link::Link;
use super::page::Page;
use super::record::Record;
use super::{PAGE, fetch};
use crate::group_commit::raise;
use crate::port::Appended;

/// How often a follower at the end looks itself whether the feed has kept up.
const CONFIRM_EVERY: Duration = Duration::from_secs(2);

/// How long the feed may take to bring what the database has already reported.
const FEED_LAG: Duration = Duration::from_millis(100);

/// Where a command's events stand, and the digest it came with.
pub(super) type Answer = (Appended, [u8; 32]);

/// A process's view of the log.
pub(super) struct Log {
    stream: String,
    index: RwLock<Index>,
    /// The last position that the index shows.
    head: watch::Sender<Position>,
    /// Whether the feed brings events as they are appended.
    live: AtomicBool,
    /// The last position that the feed has brought.
    fed: AtomicU64,
    /// Told when the feed does not keep up.
    stuck: Notify,
    confirmed: Mutex<Confirmed>,
    /// How many refreshes have begun.
    begun: AtomicU64,
    /// The number of the last refresh that ended well; held by the one under way.
    refreshed: tokio::sync::Mutex<u64>,
}

/// The last look at the log by one who did not trust the feed.
#[derive(Clone, Copy, Default)]
struct Confirmed {
    at: Option<Instant>,
    head: Position,
}

impl Log {
    /// The log in `stream`, of which nothing is known yet.
    pub(super) fn new(stream: &str) -> Self {
        Self {
            stream: stream.to_owned(),
            index: RwLock::default(),
            head: watch::channel(Position(0)).0,
            live: AtomicBool::new(false),
            fed: AtomicU64::new(0),
            stuck: Notify::new(),
            confirmed: Mutex::default(),
            begun: AtomicU64::new(0),
            refreshed: tokio::sync::Mutex::default(),
        }
    }

    /// The name of its stream in KurrentDB.
    pub(super) fn stream_name(&self) -> &str {
        &self.stream
    }

    /// The last position that the process knows.
    pub(super) fn head(&self) -> &watch::Sender<Position> {
        &self.head
    }

    pub(super) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads up to `limit` events after `after`.
    pub(super) async fn read(
        &self,
        link: &Link,
        after: Position,
        limit: usize,
    ) -> Result<Page, Failure> {
        Page::read(link, &self.stream, after, limit).await
    }

    /// Takes events that continue the log, or are known. Answers the last position taken.
    pub(super) fn take(
        &self,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<Position, Failure> {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let mut taken = Ok(());
        for record in records {
            taken = index.take(record).map(|_| ());
            if taken.is_err() {
                break;
            }
        }
        let (head, last) = (index.head(), index.last());
        drop(index);
        raise(&self.head, head);
        taken.map(|()| last)
    }

    /// What the feed has brought.
    pub(super) fn feed(&self, event: &ResolvedEvent) -> Result<(), Failure> {
        let record = Record::decode(event)?;
        self.fed.store(record.stored.position.0, Ordering::Relaxed);
        self.take([record])?;
        Ok(())
    }

    /// Says whether the feed brings events as they are appended.
    pub(super) fn set_live(&self, live: bool) {
        self.live.store(live, Ordering::Relaxed);
    }

    /// Returns once the feed is known not to keep up.
    pub(super) async fn feed_is_stuck(&self) {
        self.stuck.notified().await;
    }

    /// Learns what the log holds, unless the feed does that.
    pub(super) async fn catch_up(&self, link: &Link) -> Result<(), Failure> {
        if self.live.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.refresh(link).await
    }

    /// Learns what others have appended after `known`, of which the database has told.
    pub(super) async fn catch_up_beyond(
        &self,
        link: &Link,
        known: Position,
    ) -> Result<(), Failure> {
        if self.live.load(Ordering::Relaxed) {
            let mut head = self.head.subscribe();
            let fed = head.wait_for(|head| *head > known);
            if timeout(FEED_LAG, fed).await.is_ok() {
                return Ok(());
            }
        }
        self.refresh(link).await
    }

    /// Learns all that the log holds now. Those who ask at once share one look at it.
    pub(super) async fn refresh(&self, link: &Link) -> Result<(), Failure> {
        let begun_before = self.begun.load(Ordering::SeqCst);
        let mut refreshed = self.refreshed.lock().await;
        if *refreshed > begun_before {
            // It began after this one asked.
            return Ok(());
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let mut until = None;
        loop {
            let known = self.index().last();
            let page = self.read(link, known, PAGE).await?;
            if page.head < known {
                return Err(Failure::Damaged {
                    position: Position(page.head.0 + 1),
                    problem: format!("the log had events up to {known}, and has lost its end"),
                });
            }
            let until = *until.get_or_insert(page.head);
            if self.take(page.records()?)? >= until {
                break;
            }
        }
        *refreshed = number;
        Ok(())
    }

    /// Up to `limit` events after `after`, for a follower: none at the end. What was read beyond
    /// them is kept in `ahead`, since a read costs the same for many events as for few.
    pub(super) async fn page(
        &self,
        link: &Link,
        after: Position,
        limit: usize,
        ahead: &Ahead,
    ) -> Result<Vec<Envelope>, Failure> {
        if after >= self.index().head() {
            self.confirm(link).await?;
        }
        let (recent, head) = {
            let index = self.index();
            (index.recent_after(after, limit), index.head())
        };
        let records = match recent {
            Some(recent) => recent,
            None if after >= head => Vec::new(),
            None => match ahead.after(after, limit) {
                Some(records) => records,
                None => {
                    ahead.keep(self.read(link, after, PAGE).await?.records()?);
                    ahead.after(after, limit).unwrap_or_default()
                }
            },
        };
        records.iter().map(Record::envelope).collect()
    }

    /// Makes sure now and then that the feed, where it is trusted, has kept up.
    async fn confirm(&self, link: &Link) -> Result<(), Failure> {
        let live = self.live.load(Ordering::Relaxed);
        let before = *self.confirmed();
        let recently = before.at.is_some_and(|at| at.elapsed() < CONFIRM_EVERY);
        if live && recently {
            return Ok(());
        }
        self.refresh(link).await?;
        *self.confirmed() = Confirmed {
            at: Some(Instant::now()),
            head: self.index().last(),
        };
        // It has had all the time since the last look to bring what there was then.
        if live && self.fed.load(Ordering::Relaxed) < before.head.0 {
            self.stuck.notify_one();
        }
        Ok(())
    }

    fn confirmed(&self) -> std::sync::MutexGuard<'_, Confirmed> {
        self.confirmed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that a feed has begun, from the last position that the index has taken.
    pub(super) fn feed_from(&self) -> Position {
        let last = self.index().last();
        self.fed.store(last.0, Ordering::Relaxed);
        last
    }

    /// Up to `limit` events of `stream`, from revision `from` on.
    pub(super) async fn stream(
        &self,
        link: &Link,
        stream: &StreamName,
        from: Revision,
        limit: usize,
    ) -> Result<Vec<Record>, Failure> {
        let positions = self.index().positions(stream, from, limit);
        fetch::records(self, link, &positions).await
    }

    /// Whether each of `commands` is known to be appended.
    pub(super) fn knows_commands(&self, commands: &[CommandId]) -> bool {
        let index = self.index();
        let known = |command: &CommandId| index.command(*command).is_some();
        commands.iter().all(known)
    }

    /// What each of `commands` was answered, and the digest it came with, as far as is known.
    pub(super) async fn commands(
        &self,
        link: &Link,
        commands: &[CommandId],
    ) -> Result<Vec<Option<Answer>>, Failure> {
        let firsts: Vec<_> = {
            let index = self.index();
            commands.iter().map(|id| index.command(*id)).collect()
        };
        self.answers(link, &firsts).await
    }

    /// What the commands were answered whose events begin at `firsts`, and their digests.
    pub(super) async fn answers(
        &self,
        link: &Link,
        firsts: &[Option<Position>],
    ) -> Result<Vec<Option<Answer>>, Failure> {
        let mut positions: Vec<Position> = firsts.iter().copied().flatten().collect();
        positions.sort_unstable();
        positions.dedup();
        let records = fetch::records(self, link, &positions).await?;
        let answer = |first: Position| {
            let found = records.binary_search_by_key(&first, |record| record.stored.position);
            let found = found.expect("what is in the index was read");
            records[found].command()
        };
        Ok(firsts.iter().map(|first| first.map(answer)).collect())
    }
}
