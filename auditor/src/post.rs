//! Sends each checkpoint to a URL, so that a copy leaves this machine.
//!
//! The log never waits for it. What is sent is always the newest checkpoint, which covers all
//! before it.

mod client;

use std::convert::Infallible;
use std::time::Duration;

use event_store::audit::SignedCheckpoint;
use hyper_util::client::legacy::connect::Connect;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

pub use self::client::{CheckpointUrl, Client, PostError, UrlError};

/// How often a checkpoint is posted, and how the pauses grow.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// After so many failures the next checkpoint is awaited.
    pub attempts: u32,
    /// The pause after the first failure; each further failure in a row doubles it.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How long the last checkpoint may take once the server stops.
    pub last_chance: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            attempts: 8,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            timeout: Duration::from_secs(10),
            last_chance: Duration::from_secs(3),
        }
    }
}

/// Posts the newest checkpoint until it is accepted.
pub struct Poster<C> {
    client: Client<C>,
    pace: Pace,
    newest: watch::Receiver<Option<SignedCheckpoint>>,
    /// The size of the last checkpoint that was accepted.
    accepted: u64,
    /// Attempts that failed since.
    failures: u32,
    /// The size of the checkpoint that was tried last, and how often.
    tried: (u64, u32),
    /// When the first checkpoint that has not been accepted was seen.
    behind_since: Option<Instant>,
}

impl<C: Connect + Clone + Send + Sync + 'static> Poster<C> {
    /// Posts by `client` what `newest` holds.
    #[must_use]
    pub fn new(
        client: Client<C>,
        pace: Pace,
        newest: watch::Receiver<Option<SignedCheckpoint>>,
    ) -> Self {
        Self {
            client,
            pace,
            newest,
            accepted: 0,
            failures: 0,
            tried: (0, 0),
            behind_since: None,
        }
    }

    /// Posts until no more checkpoints are made, and then tries the last one once.
    ///
    /// # Errors
    /// Never: a checkpoint that is not accepted is logged and stays in the directory.
    pub async fn run(mut self) -> Result<(), Infallible> {
        while self.until_due().await {
            self.attempt().await;
        }
        if self.unaccepted().is_some() {
            let last_chance = self.pace.last_chance;
            if timeout(last_chance, self.attempt()).await.is_err() {
                tracing::warn!("the last checkpoint was not accepted before the server stopped");
            }
        }
        Ok(())
    }

    /// Waits until there is something to post; `false` when no more checkpoints are made.
    async fn until_due(&mut self) -> bool {
        let is_closed = async {
            let mut newest = self.newest.clone();
            while newest.changed().await.is_ok() {}
        };
        let is_due = async {
            sleep(self.pause()).await;
            let (tried, attempts) = self.tried;
            let (accepted, most) = (self.accepted, self.pace.attempts);
            let is_due = |newest: &Option<SignedCheckpoint>| {
                let size = newest.as_ref().map_or(0, |newest| newest.checkpoint.size);
                size > accepted && (size != tried || attempts < most)
            };
            self.newest.clone().wait_for(is_due).await.is_ok()
        };
        tokio::select! {
            biased;
            () = is_closed => false,
            is_due = is_due => is_due,
        }
    }

    fn pause(&self) -> Duration {
        match self.failures.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => {
                let grown = 2_u32.saturating_pow(doublings);
                let pause = self.pace.first_pause.saturating_mul(grown);
                pause.min(self.pace.longest_pause)
            }
        }
    }

    /// The newest checkpoint, unless it has been accepted.
    fn unaccepted(&mut self) -> Option<SignedCheckpoint> {
        let newest = self.newest.borrow_and_update().clone();
        newest.filter(|newest| newest.checkpoint.size > self.accepted)
    }

    async fn attempt(&mut self) {
        let Some(SignedCheckpoint { checkpoint, note }) = self.unaccepted() else {
            return;
        };
        let size = checkpoint.size;
        let since = *self.behind_since.get_or_insert_with(Instant::now);
        let posted = match timeout(self.pace.timeout, self.client.post(note)).await {
            Ok(posted) => posted,
            Err(_) => Err(PostError::TimedOut),
        };
        match posted {
            Ok(()) => self.succeeded(size),
            Err(error) => self.failed(size, since, &error),
        }
    }

    fn succeeded(&mut self, size: u64) {
        if self.failures > 0 {
            tracing::info!(
                checkpoint.size = size,
                checkpoint.failures = self.failures,
                "checkpoints are accepted again"
            );
        }
        self.accepted = size;
        self.failures = 0;
        self.tried = (0, 0);
        self.behind_since = None;
    }

    fn failed(&mut self, size: u64, since: Instant, error: &PostError) {
        self.failures = self.failures.saturating_add(1);
        let (tried, attempts) = self.tried;
        let attempts = if tried == size { attempts + 1 } else { 1 };
        self.tried = (size, attempts);
        let error: &(dyn std::error::Error + 'static) = error;
        tracing::warn!(
            error,
            checkpoint.size = size,
            checkpoint.behind_events = size - self.accepted,
            checkpoint.behind_s = since.elapsed().as_secs(),
            checkpoint.attempt = attempts,
            "a checkpoint was not accepted"
        );
        if attempts == self.pace.attempts {
            tracing::error!(
                checkpoint.size = size,
                "a checkpoint is given up; the next one is posted instead"
            );
        }
    }
}

#[cfg(test)]
mod tests;
