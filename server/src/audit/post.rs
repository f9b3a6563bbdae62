//! Sends each checkpoint on to a URL, so that a copy leaves this machine by itself.
//!
//! The log never waits for it: what is sent is always the newest checkpoint, which covers all
//! before it.

mod client;

use std::convert::Infallible;
use std::time::Duration;

use event_store::audit::SignedCheckpoint;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

pub use self::client::{CheckpointUrl, Client, PostError, UrlError};

/// How long a checkpoint is tried, and how the pauses between grow.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// After so many failures the next checkpoint is waited for.
    pub attempts: u32,
    /// The pause after the first failure; each further failure in a row doubles it.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// How long one attempt may take.
    pub patience: Duration,
    /// How long the last checkpoint may take once the server stops.
    pub last_chance: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            attempts: 8,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            patience: Duration::from_secs(10),
            last_chance: Duration::from_secs(3),
        }
    }
}

/// Posts the newest checkpoint until it is taken.
pub struct Poster {
    client: Client,
    pace: Pace,
    newest: watch::Receiver<Option<SignedCheckpoint>>,
    /// The size of the last checkpoint that was taken.
    taken: u64,
    /// Attempts that failed since.
    failures: u32,
    /// The size of the checkpoint that was tried last, and how often.
    tried: (u64, u32),
    /// When the first checkpoint that has not been taken was seen.
    behind_since: Option<Instant>,
}

impl Poster {
    /// Posts by `client` what `newest` holds.
    #[must_use]
    pub fn new(
        client: Client,
        pace: Pace,
        newest: watch::Receiver<Option<SignedCheckpoint>>,
    ) -> Self {
        Self {
            client,
            pace,
            newest,
            taken: 0,
            failures: 0,
            tried: (0, 0),
            behind_since: None,
        }
    }

    /// Posts until no more checkpoints are made, and then, for a moment, the last one.
    ///
    /// # Errors
    /// Never: a checkpoint that is not taken is told of and stays in the directory.
    pub async fn run(mut self) -> Result<(), Infallible> {
        while self.until_due().await {
            self.attempt().await;
        }
        if self.untaken().is_some() {
            let last_chance = self.pace.last_chance;
            if timeout(last_chance, self.attempt()).await.is_err() {
                tracing::warn!("the last checkpoint was not taken before the server stopped");
            }
        }
        Ok(())
    }

    /// Waits until there is something to try; `false` where no more checkpoints are made.
    async fn until_due(&mut self) -> bool {
        let is_over = async {
            let mut newest = self.newest.clone();
            while newest.changed().await.is_ok() {}
        };
        let is_due = async {
            sleep(self.pause()).await;
            let (tried, attempts) = self.tried;
            let (taken, most) = (self.taken, self.pace.attempts);
            let is_due = |newest: &Option<SignedCheckpoint>| {
                let size = newest.as_ref().map_or(0, |newest| newest.checkpoint.size);
                size > taken && (size != tried || attempts < most)
            };
            self.newest.clone().wait_for(is_due).await.is_ok()
        };
        tokio::select! {
            biased;
            () = is_over => false,
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

    /// The newest checkpoint, unless it has been taken.
    fn untaken(&mut self) -> Option<SignedCheckpoint> {
        let newest = self.newest.borrow_and_update().clone();
        newest.filter(|newest| newest.checkpoint.size > self.taken)
    }

    async fn attempt(&mut self) {
        let Some(SignedCheckpoint { checkpoint, note }) = self.untaken() else {
            return;
        };
        let size = checkpoint.size;
        let since = *self.behind_since.get_or_insert_with(Instant::now);
        let posted = match timeout(self.pace.patience, self.client.post(note)).await {
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
                "checkpoints are taken again"
            );
        }
        self.taken = size;
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
            checkpoint.behind_events = size - self.taken,
            checkpoint.behind_s = since.elapsed().as_secs(),
            checkpoint.attempt = attempts,
            "a checkpoint was not taken"
        );
        if attempts == self.pace.attempts {
            tracing::error!(
                checkpoint.size = size,
                "a checkpoint is given up: the next one is tried instead"
            );
        }
    }
}

#[cfg(test)]
mod tests;
