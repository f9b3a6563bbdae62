//! Whose fault a failed call is, and when an endpoint may be called: a state machine without a
//! clock, chance or waiting.
//!
//! One call says little. A 500 may be a broken endpoint or a message that the model cannot take, a
//! 401 a wrong key or one tenant's. What tells is how the calls of *other* messages end meanwhile:
//!
//! - A message's failures are its own once others were answered since it failed first, and as long
//!   as most others pass. They count as attempts, and used up they make the message faulty.
//! - While nobody else is answered, failures are the endpoint's. They cost no attempt. Ten in a row,
//!   or half of the last fifty calls, and nobody is called any more but probes: in turns after
//!   growing waits, messages that were never called among them, so that one faulty message, or a
//!   hundred in a row, do not hold those behind them.
//! - A message that is refused beside others is called once more alone, as long as the endpoint may
//!   have refused it for their sake.
//! - An endpoint that asks for a wait is left alone for as long, and nothing counts.
//!
//! Why it is these rules, and what they cost: `docs/adr/0040-whose-fault-a-failed-call-is.md`.
//!
//! Times are durations since any one moment; they never go back.

mod expressions;
mod history;
mod neighbours;
mod notice;
mod open;
mod slots;
mod verdict;
mod waiting;
mod window;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::expressions::Failing;
use self::neighbours::Neighbours;
use self::open::Open;
use self::slots::Slots;
use self::waiting::Waiting;
use self::window::{Trouble, Window};
use crate::listener::RetryPolicy;
use crate::settlement::Reason;

pub use self::history::History;
pub use self::notice::Notice;
pub use self::waiting::{Candidate, Company};

/// The longest wait between two turns of probes, and of a message whose failure did not count.
const LONGEST_PROBE_WAIT: Duration = Duration::from_secs(30);

/// How long others wait at most while a call that is to be alone is under way.
const LONGEST_ALONE: Duration = Duration::from_secs(10);

/// What is known of an endpoint, and who waits to call it; each is known to the owner by a `W`.
#[derive(Debug)]
pub struct Health<W> {
    slots: Slots,
    window: Window,
    waiting: Waiting<W>,
    open: Option<Open>,
    /// How often it opened. A call that began before the last time says nothing of now.
    openings: u64,
    /// Calls that succeeded.
    answered: u64,
    /// Calls that began.
    calls: u64,
    /// When the call began beside which there is to be no other.
    alone_since: Option<Duration>,
    /// Until when one that is to be called alone waits for the calls under way to end.
    held_up_until: Option<Duration>,
    pause: Pause,
    /// Messages in a row that were refused for good.
    refusals: u32,
    failing: Failing,
    neighbours: Neighbours,
    /// How often the expressions became others.
    expressions: u64,
}

/// The wait that the endpoint asked for.
#[derive(Debug, Default)]
struct Pause {
    until: Duration,
    /// How many there were. A call that began before the last says nothing new of it.
    number: u64,
    /// Those since a call succeeded.
    in_a_row: u32,
}

/// A call that may be made. It ends by [`Health::finished`] or [`Health::cancelled`].
#[derive(Debug)]
#[must_use = "its slot is taken until it ends"]
pub struct Call {
    number: u64,
    /// What had been when it began.
    openings: u64,
    answered: u64,
    recorded: u64,
    pauses: u64,
    expressions: u64,
    is_probe: bool,
    is_alone: bool,
    /// Whether others were under way when it began.
    is_beside_others: bool,
}

/// What applies to a call that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub policy: RetryPolicy,
    /// The attempts of the message that are counted, this one included.
    pub attempts: u32,
    /// How many there may be.
    pub allowed: u32,
    /// Whether the endpoint is said to put several calls into one batch.
    pub batches_callers: bool,
    /// A random number in 0..1.
    pub unit: f64,
}

/// What follows for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sentence {
    Passed,
    /// It is to be called again after the wait, in that company. So many of its attempts were not its
    /// fault.
    Again {
        refund: u32,
        wait: Duration,
        company: Company,
    },
    Faulty(Reason),
}

impl<W> Health<W> {
    /// An endpoint that nothing is known of, for `concurrency` calls at once.
    #[must_use]
    pub fn new(concurrency: u32) -> Self {
        Self {
            slots: Slots::new(concurrency),
            window: Window::default(),
            waiting: Waiting::default(),
            open: None,
            openings: 0,
            answered: 0,
            calls: 0,
            alone_since: None,
            held_up_until: None,
            pause: Pause::default(),
            refusals: 0,
            failing: Failing::default(),
            neighbours: Neighbours::default(),
            expressions: 0,
        }
    }

    /// A message is to be called.
    pub fn arrive(&mut self, candidate: Candidate, waiter: W) {
        self.waiting.push(candidate, waiter);
    }

    /// Who may call now; to be asked until nobody may, after each change and at [`Self::due`].
    pub fn next(&mut self, now: Duration) -> Option<(W, Call)> {
        if now < self.pause.until || !self.slots.is_free() {
            return None;
        }
        if self.alone_until().is_some_and(|until| now < until) {
            return None;
        }
        let is_idle = self.slots.in_use() == 0;
        let waited = self.holds_up(now).is_some_and(|until| until <= now);
        let is_down = self.open.is_some();
        let may = |candidate: &Candidate| match candidate.company {
            Company::Others => true,
            Company::NobodyIfSoon => is_idle || waited || is_down,
            Company::Nobody => is_idle || waited,
        };
        let entry = match &mut self.open {
            None => self.waiting.pop(may)?,
            Some(open) if open.next_probe()? <= now => {
                let entry = self.waiting.pop_probe(open.number(), may)?;
                open.begin();
                entry
            }
            Some(_) => return None,
        };
        self.slots.take();
        let is_alone = is_idle && entry.candidate.company != Company::Others;
        if is_alone {
            self.alone_since = Some(now);
        }
        self.held_up_until = None;
        self.calls += 1;
        let call = Call {
            number: self.calls,
            openings: self.openings,
            answered: self.answered,
            recorded: self.window.recorded(),
            pauses: self.pause.number,
            expressions: self.expressions,
            is_probe: self.open.is_some(),
            is_alone,
            is_beside_others: !is_idle,
        };
        Some((entry.waiter, call))
    }

    /// The time after `now` at which somebody may call who may not before, if nothing else happens.
    #[must_use]
    pub fn due(&self, now: Duration) -> Option<Duration> {
        if self.waiting.is_empty() || !self.slots.is_free() {
            return None;
        }
        let probe = match &self.open {
            None => Duration::ZERO,
            Some(open) => open.next_probe()?,
        };
        let waits = [self.alone_until(), self.held_up_until];
        let waits = waits.into_iter().flatten().chain([self.pause.until]);
        let due = waits.fold(probe, Duration::max);
        Some(due).filter(|due| *due > now)
    }

    /// Until when the first in line holds up the others, waiting for the calls under way to end.
    fn holds_up(&mut self, now: Duration) -> Option<Duration> {
        let patience = self.waiting.first()?.company.patience();
        self.held_up_until = match (patience, self.slots.in_use()) {
            (None, _) | (_, 0) => None,
            (Some(patience), _) => self.held_up_until.or(Some(now + patience)),
        };
        self.held_up_until
    }

    /// Until when others wait for a call that is to be alone.
    fn alone_until(&self) -> Option<Duration> {
        Some(self.alone_since? + LONGEST_ALONE)
    }

    /// How many messages that were never called it could use now: any number, but for a few while
    /// the endpoint is down.
    #[must_use]
    pub fn wanted(&self) -> usize {
        match &self.open {
            None => usize::MAX,
            Some(open) => open.wanted(self.waiting.fresh()),
        }
    }

    /// Why nobody is called but probes, with the number of the time that this came to be so.
    #[must_use]
    pub fn opened(&self) -> Option<(u64, Reason)> {
        let open = self.open.as_ref()?;
        Some((self.openings, open.reason))
    }

    /// The call was given up before anything was heard of it.
    pub fn cancelled(&mut self, call: &Call) {
        self.end(call);
        if self.is_probe(call)
            && let Some(open) = &mut self.open
        {
            open.give_up();
        }
    }

    fn end(&mut self, call: &Call) {
        self.slots.give_back();
        if call.is_alone {
            self.alone_since = None;
        }
    }

    /// Whether the call says something of the time since the endpoint was last found down.
    fn is_current(&self, call: &Call) -> bool {
        call.openings == self.openings
    }

    /// Whether others were under way at any time of the call, which has ended just now.
    fn had_company(&self, call: &Call) -> bool {
        call.is_beside_others || self.calls > call.number
    }

    fn is_probe(&self, call: &Call) -> bool {
        call.is_probe && self.open.is_some() && self.is_current(call)
    }

    fn is_outage(&self) -> bool {
        let trouble = self.open.as_ref().map(|open| open.trouble);
        trouble == Some(Trouble::Outage)
    }
}
