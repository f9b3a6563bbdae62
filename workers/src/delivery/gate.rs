//! Who may call now: the rules of [`domain::health`], with a clock, and messages that wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::health::{Call, Candidate, Health, History, Sentence, Terms};
use domain::settlement::{Expression, Verdict};
use domain::{Assignment, Ids};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

use super::blocks::{Block, Blocks};
use crate::pause::unit;

/// The way to the endpoint.
pub(crate) struct Gate(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// How many messages the consumer may take on for calls.
    wanted: watch::Sender<usize>,
    /// Wakes the one that waits for [`State::due`], which has changed.
    rescheduled: Notify,
    /// The moment that all times of the rules are counted from.
    began: Instant,
    blocks: Blocks,
    ids: Arc<dyn Ids>,
}

struct State {
    health: Health<oneshot::Sender<Pass>>,
    /// What holds the listener, and which time of being down it is of.
    block: Option<(u64, Block)>,
    /// When somebody may call who may not now.
    due: Option<Duration>,
    /// Messages taken on as probes that have not come here yet.
    expected: usize,
}

/// The right to make one call. Dropped, it was not made.
pub(crate) struct Pass {
    gate: Arc<Shared>,
    call: Option<Call>,
}

/// A message that was taken on as a probe, and is on its way.
pub(crate) struct Expected(Arc<Shared>);

/// A call that has ended.
pub(crate) struct Ended<'a> {
    pub(crate) assignment: &'a Assignment,
    /// The attempts of its message that are counted, and may be.
    pub(crate) attempts: u32,
    pub(crate) allowed: u32,
    pub(crate) verdict: Verdict,
}

impl Gate {
    pub(crate) fn new(concurrency: u32, blocks: Blocks, ids: Arc<dyn Ids>) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                health: Health::new(concurrency),
                block: None,
                due: None,
                expected: 0,
            }),
            wanted: watch::Sender::new(usize::MAX),
            rescheduled: Notify::new(),
            began: Instant::now(),
            blocks,
            ids,
        }))
    }

    /// Whether the endpoint counts as down.
    pub(crate) fn is_open(&self) -> bool {
        self.0.state().health.opened().is_some()
    }

    /// How many messages the consumer may take on: any number, but for a few probes while the
    /// endpoint is down.
    pub(crate) fn wanted(&self) -> watch::Receiver<usize> {
        self.0.wanted.subscribe()
    }

    /// A message was taken on. It counts among those wanted, if they are numbered, until the answer
    /// is dropped.
    pub(crate) fn expect(&self) -> Option<Expected> {
        if *self.0.wanted.borrow() == usize::MAX {
            return None;
        }
        self.0.change(|state, _| state.expected += 1);
        Some(Expected(Arc::clone(&self.0)))
    }

    /// Waits for the right to call.
    pub(crate) async fn enter(&self, candidate: Candidate, expected: Option<Expected>) -> Pass {
        let (waiter, pass) = oneshot::channel();
        self.0
            .change(|state, _| state.health.arrive(candidate, waiter));
        drop(expected);
        pass.await
            .expect("a waiter is kept until it is given its pass")
    }

    /// Notes what a call came to; answers what follows for its message. `summary` is what people are
    /// told if it is the endpoint's fault.
    pub(crate) fn finish(
        &self,
        mut pass: Pass,
        history: &mut History,
        ended: &Ended<'_>,
        summary: impl Fn() -> String,
    ) -> Sentence {
        let call = pass.call.take().expect("a pass is used once");
        let unit = match ended.verdict {
            Verdict::Succeeded => 0.0,
            _ => unit(&*self.0.ids),
        };
        let version = ended.assignment.version.as_ref();
        let terms = Terms {
            policy: ended.assignment.settings.retry,
            attempts: ended.attempts,
            allowed: ended.allowed,
            batches_callers: version.is_some_and(|version| version.calls.batches_callers),
            unit,
        };
        self.0.change(|state, now| {
            let health = &mut state.health;
            let sentence = health.finished(now, &call, history, ended.verdict, terms);
            let opened = health.opened();
            let blocked = state.block.as_ref().map(|(number, _)| *number);
            if blocked != opened.map(|(number, _)| number) {
                let block = |(number, reason)| {
                    let block = self.0.blocks.enter_but_for_probes(reason, &summary());
                    (number, block)
                };
                state.block = opened.map(block);
            }
            sentence
        })
    }

    /// An expression of the listener did its work for a message that is not called.
    pub(crate) fn evaluated(&self, expression: Expression) {
        self.0.change(|state, _| {
            state.health.evaluated(expression);
            state.unblock();
        });
    }

    /// The expressions of the listener are others.
    pub(crate) fn expressions_changed(&self) {
        self.0.change(|state, _| {
            state.health.expressions_changed();
            state.unblock();
        });
    }

    /// Lets those in who have waited long enough, for as long as it is polled.
    pub(crate) async fn drive(&self) {
        loop {
            let due = self.0.state().due;
            let rescheduled = self.0.rescheduled.notified();
            match due {
                Some(due) => tokio::select! {
                    () = tokio::time::sleep_until(self.0.began + due) => {}
                    () = rescheduled => {}
                },
                None => rescheduled.await,
            }
            self.0.change(|_, _| ());
        }
    }
}

impl State {
    /// Ends the block of an endpoint that is not down any more.
    fn unblock(&mut self) {
        if self.health.opened().is_none() {
            self.block = None;
        }
    }
}

impl Shared {
    /// Changes the state, and lets everybody in who may call then.
    fn change<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Duration) -> T) -> T {
        let changed = change(&mut self.state(), self.began.elapsed());
        while let Some((waiter, pass)) = self.next() {
            // One that has just gone away gives its pass back as it drops it.
            drop(waiter.send(pass));
        }
        changed
    }

    /// The next who may call. Where there is none, all else that follows from the state is brought
    /// up to it.
    fn next(self: &Arc<Self>) -> Option<(oneshot::Sender<Pass>, Pass)> {
        let mut state = self.state();
        let now = self.began.elapsed();
        while let Some((waiter, call)) = state.health.next(now) {
            if waiter.is_closed() {
                state.health.cancelled(&call);
                continue;
            }
            let pass = Pass {
                gate: Arc::clone(self),
                call: Some(call),
            };
            return Some((waiter, pass));
        }
        let due = state.health.due(now);
        if due != state.due {
            state.due = due;
            self.rescheduled.notify_one();
        }
        let wanted = match state.health.wanted() {
            usize::MAX => usize::MAX,
            wanted => wanted.saturating_sub(state.expected),
        };
        self.wanted.send_if_modified(|told| {
            let is_news = *told != wanted;
            *told = wanted;
            is_news
        });
        None
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.gate.change(|state, _| state.health.cancelled(&call));
        }
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.0
            .change(|state, _| state.expected = state.expected.saturating_sub(1));
    }
}
