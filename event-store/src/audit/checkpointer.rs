//! The follower that keeps the log's tree and publishes signed checkpoints of it.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Position};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::checkpoint::SignedCheckpoint;
use super::directory::{CheckpointDir, DirectoryError};
use super::leaf;
use super::note::Signer;
use super::pages::stored_events;
use super::signed::{self, SignedError};
use super::tree::{Frontier, Hash};
use super::verify::{Problem, Report, VerifyError, verify};
use crate::port::{EventStore, ReadError};

/// So many new events are signed as soon as they are seen.
const MANY: usize = 1000;

/// Fewer wait so long.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How often the log is looked at: also the most checkpoints per second that a busy log gets.
const LOOK: Duration = Duration::from_secs(1);

/// Leaves kept in memory before a checkpoint is made of them while catching up with a long log.
const MOST_PENDING: usize = 1 << 16;

/// Why no more checkpoints are made.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointerError {
    #[error("the event log is not the one that was signed, so nothing more is signed: {0}")]
    Refused(Problem),
    #[error("the event log cannot be compared with its checkpoints")]
    Verify(#[from] VerifyError),
    #[error("the event log cannot be followed")]
    Log(#[from] ReadError),
    #[error("a checkpoint cannot be published")]
    Directory(#[from] DirectoryError),
    #[error("the last checkpoint cannot be read")]
    Last(#[from] SignedError),
}

/// Publishes checkpoints of a log. There must be one per directory at a time.
pub struct Checkpointer {
    store: Arc<dyn EventStore>,
    directory: CheckpointDir,
    signer: Signer,
    clock: Arc<dyn Clock>,
    frontier: Frontier,
    /// Leaves of the tree that no checkpoint covers yet.
    pending: Vec<Hash>,
    published: Instant,
    newest: watch::Sender<Option<SignedCheckpoint>>,
}

impl Checkpointer {
    /// A checkpointer of `store` into `directory`.
    #[must_use]
    pub fn new(
        store: Arc<dyn EventStore>,
        directory: CheckpointDir,
        signer: Signer,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store,
            directory,
            signer,
            clock,
            frontier: Frontier::default(),
            pending: Vec::new(),
            published: Instant::now(),
            newest: watch::Sender::new(None),
        }
    }

    /// The newest checkpoint in the directory, once it is known, and then each that is published.
    /// A reader that looks too seldom misses some: the log waits for nobody. It is closed when no
    /// more are made.
    #[must_use]
    pub fn newest(&self) -> watch::Receiver<Option<SignedCheckpoint>> {
        self.newest.subscribe()
    }

    /// Compares the log with the checkpoints there are, then makes more of them until `shutdown`,
    /// and a last one then.
    ///
    /// # Errors
    /// The log no longer begins with what was signed, in which case nothing more is signed; or
    /// the log is damaged, or the directory cannot be used.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), CheckpointerError> {
        self.resume().await?;
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let stopping = tokio::select! {
                () = shutdown.cancelled() => true,
                _ = look.tick() => false,
            };
            self.catch_up().await?;
            let waited = stopping || self.published.elapsed() >= LONGEST_WAIT;
            if self.pending.len() >= MANY || (waited && !self.pending.is_empty()) {
                self.publish().await?;
            }
            if stopping {
                return Ok(());
            }
        }
    }

    /// Continues at the last checkpoint. The tree is made from the log again: a stored one
    /// would say nothing about the log.
    async fn resume(&mut self) -> Result<(), CheckpointerError> {
        let verifier = self.signer.verifier().clone();
        self.directory.prepare(&verifier)?;
        let report = verify(Arc::clone(&self.store), &self.directory, &verifier).await?;
        let Report {
            problems, frontier, ..
        } = report;
        let refused = |problem: &Problem| *problem != Problem::NoCheckpoint;
        if let Some(problem) = problems.into_iter().find(refused) {
            return Err(CheckpointerError::Refused(problem));
        }
        self.newest
            .send_replace(signed::largest(&self.directory, &verifier)?);
        tracing::info!(
            events = frontier.size(),
            "the event log begins with what was signed"
        );
        self.frontier = frontier;
        Ok(())
    }

    /// Takes the events that the tree does not have yet. A log that cannot be reached is looked
    /// at again later.
    async fn catch_up(&mut self) -> Result<(), CheckpointerError> {
        match self.take_events().await {
            Err(CheckpointerError::Log(ReadError::Unavailable(error))) => {
                let error: &(dyn std::error::Error + 'static) = &*error;
                tracing::warn!(error, "the event log cannot be read to be signed");
                Ok(())
            }
            taken => taken,
        }
    }

    async fn take_events(&mut self) -> Result<(), CheckpointerError> {
        let after = Position(self.frontier.size());
        let mut pages = stored_events(Arc::clone(&self.store), after, None).await?;
        loop {
            let page = pages.next().await?;
            if page.is_empty() {
                return Ok(());
            }
            for event in &page {
                let hash = leaf::hash(event);
                self.frontier.push(hash);
                self.pending.push(hash);
            }
            if self.pending.len() >= MOST_PENDING {
                self.publish().await?;
            }
        }
    }

    /// Signs the tree as it is.
    async fn publish(&mut self) -> Result<(), CheckpointerError> {
        let size = self.frontier.size();
        let before = size - self.pending.len() as u64;
        let root = self.frontier.root();
        let signed = SignedCheckpoint::sign(&self.signer, size, root, self.clock.now());
        let (directory, leaves) = (self.directory.clone(), std::mem::take(&mut self.pending));
        let signed = tokio::task::spawn_blocking(move || {
            directory.publish(before, &leaves, &signed)?;
            Ok::<_, DirectoryError>(signed)
        });
        let signed = signed.await.expect("publishing does not panic")?;
        self.newest.send_replace(Some(signed));
        self.published = Instant::now();
        tracing::debug!(events = size, "a checkpoint is published");
        Ok(())
    }
}
