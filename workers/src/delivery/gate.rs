//! Who may call now: a slot for each call, and while the endpoint is down one probe at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::listener::RetryPolicy;
use domain::settlement::{Reason, Verdict, backoff};
use domain::{Assignment, Ids};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::blocks::{Block, Blocks};
use super::breaker::{Breaker, Streak};
use crate::pause::unit;

/// The longest wait between two probes.
const LONGEST_PROBE_WAIT: Duration = Duration::from_secs(30);

/// The way to the endpoint.
pub(crate) struct Gate {
    slots: Arc<Semaphore>,
    /// Held by the one that probes; the others wait their turn, so that no message probes forever.
    turn: Arc<Turn<()>>,
    state: Mutex<State>,
    /// Whether the breaker is open.
    open: watch::Sender<bool>,
    assignment: watch::Receiver<Arc<Assignment>>,
    blocks: Blocks,
    ids: Arc<dyn Ids>,
}

#[derive(Default)]
struct State {
    breaker: Breaker,
    block: Option<Block>,
}

/// The right to make one call.
pub(crate) struct Pass {
    _slot: OwnedSemaphorePermit,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Gate {
    pub(crate) fn new(
        assignment: watch::Receiver<Arc<Assignment>>,
        blocks: Blocks,
        ids: Arc<dyn Ids>,
    ) -> Self {
        let concurrency = assignment.borrow().settings.concurrency.max(1);
        Self {
            slots: Arc::new(Semaphore::new(concurrency as usize)),
            turn: Arc::default(),
            state: Mutex::default(),
            open: watch::Sender::new(false),
            assignment,
            blocks,
            ids,
        }
    }

    /// Whether the endpoint counts as down.
    pub(crate) fn is_blocked(&self) -> bool {
        *self.open.borrow()
    }

    /// Waits for the right to call.
    pub(crate) async fn enter(&self) -> Pass {
        loop {
            if !self.is_blocked() {
                let pass = self.pass(None).await;
                if !self.is_blocked() {
                    return pass;
                }
                continue;
            }
            let turn = Arc::clone(&self.turn).lock_owned().await;
            if self.probe_is_due().await {
                return self.pass(Some(turn)).await;
            }
        }
    }

    /// Notes what a call came to; answers the row of failures that it would belong to.
    pub(crate) fn record(
        &self,
        pass: Pass,
        verdict: &Verdict,
        summary: impl Fn() -> String,
    ) -> Streak {
        let is_probe = pass.turn.is_some();
        let mut state = self.state();
        let streak = state.breaker.streak();
        match verdict {
            Verdict::Succeeded | Verdict::Faulty(_) => {
                if state.breaker.answered() {
                    state.block = None;
                    self.open.send_replace(false);
                }
            }
            Verdict::Retry { after } => {
                let next = self.next_probe(&state.breaker, *after);
                if let Some(reason) = state.breaker.failed(is_probe, next) {
                    self.block(&mut state, reason, &summary());
                }
            }
            Verdict::Block(_) => {
                let next = self.next_probe(&state.breaker, None);
                if let Some(reason) = state.breaker.refused(is_probe, next) {
                    self.block(&mut state, reason, &summary());
                }
            }
        }
        streak
    }

    /// Blocks over `streak`, if nothing was answered since.
    pub(crate) fn trip(&self, streak: &Streak, summary: &str) {
        let mut state = self.state();
        let next = self.next_probe(&state.breaker, None);
        if state.breaker.streak().is(streak) && state.breaker.trip(next) {
            self.block(&mut state, Reason::EndpointUnavailable, summary);
        }
    }

    async fn pass(&self, turn: Option<OwnedMutexGuard<()>>) -> Pass {
        let slots = Arc::clone(&self.slots);
        let slot = slots.acquire_owned().await;
        Pass {
            _slot: slot.expect("the slots are never closed"),
            turn,
        }
    }

    /// Waits until a probe is due; `false` when the endpoint is back before.
    async fn probe_is_due(&self) -> bool {
        let mut open = self.open.subscribe();
        let Some(at) = self.state().breaker.probe_at() else {
            return false;
        };
        tokio::select! {
            () = tokio::time::sleep_until(at) => true,
            // The gate owns the sender.
            _ = open.wait_for(|open| !open) => false,
        }
    }

    fn block(&self, state: &mut State, reason: Reason, summary: &str) {
        state.block = Some(self.blocks.enter(reason, summary));
        self.open.send_replace(true);
    }

    fn next_probe(&self, breaker: &Breaker, after: Option<Duration>) -> Instant {
        let retry: RetryPolicy = self.assignment.borrow().settings.retry;
        let longest = LONGEST_PROBE_WAIT.as_millis() as u64;
        let policy = RetryPolicy {
            max_backoff_ms: retry.max_backoff_ms.min(longest),
            ..retry
        };
        let jitter = 0.5 + unit(&*self.ids) / 2.0;
        Instant::now() + backoff(policy, breaker.probes() + 1, after, jitter)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
