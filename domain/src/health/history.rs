//! What is known of one message's failed calls, and whose fault they may be.

use std::time::Duration;

use super::Call;
use crate::listener::RetryPolicy;

/// What an attempt has to say against its message, in bits: as much as a failure does while one of
/// four others fails.
const BITS_OF_AN_ATTEMPT: f64 = 2.0;

/// What is enough for any number of attempts, in bits: one in a million.
const BITS_ENOUGH: f64 = 20.0;

/// The failed calls of a message since it was received, none at first.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// How often a call of it failed, whoever was at fault.
    pub(super) failures: u32,
    /// Counted attempts that may turn out not to be its fault, made since the opening of that number.
    pub(super) pending: u32,
    pub(super) openings: u64,
    /// Identifies the message, once a call of it has failed.
    first: Option<First>,
    /// How many calls had succeeded when it failed last.
    last: u64,
    /// Failures between each two of which others were answered.
    pub(super) witnessed: u32,
    /// How often it was refused while that could have been everybody's lot.
    pub(super) refused: u32,
    /// Whether it was called once more, alone if possible, after it was refused.
    pub(super) was_asked_alone: bool,
    /// How often it was put off while others were answered.
    pub(super) put_off: u32,
    /// How often an expression failed for it.
    pub(super) unevaluated: u32,
    /// For how long it has been called again: the time between its failures, but for that in which it
    /// was held.
    aged: Duration,
    /// Its last failure, if the time since may count.
    aging_since: Option<Mark>,
    /// What the failures say against it, in bits: how unlikely they would be for a good message, by
    /// how others fared.
    evidence: f64,
}

/// When a call failed, and what had held everybody up to then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) at: Duration,
    pub(super) openings: u64,
    pub(super) pauses: u64,
}

#[derive(Clone, Copy, Debug)]
struct First {
    message: u64,
    /// How many calls had succeeded when the first call that failed began.
    answered: u64,
    /// How many calls the window had recorded when that call began.
    recorded: u64,
}

impl History {
    /// The message's number, that of its first failed call, if it is not that one.
    pub(super) fn message(&self, call: u64) -> u64 {
        self.first.map_or(call, |first| first.message)
    }

    /// Whether others were answered since the message failed first, so that its failures may be its
    /// own: `answered` calls have succeeded in all.
    pub(super) fn is_suspect(&self, answered: u64) -> bool {
        self.first.is_some_and(|first| answered > first.answered)
    }

    /// The number of the first call that was recorded after the first failed call began.
    pub(super) fn since(&self) -> u64 {
        self.first.map_or(u64::MAX, |first| first.recorded)
    }

    /// Notes a call that did not succeed, while `answered` calls have succeeded in all. Answers
    /// whether others were answered since the one before.
    pub(super) fn note(&mut self, call: &Call, answered: u64) -> bool {
        let since = if self.first.is_some() {
            self.last
        } else {
            call.answered
        };
        self.first.get_or_insert(First {
            message: call.number,
            answered: call.answered,
            recorded: call.recorded,
        });
        self.last = answered;
        answered > since
    }

    /// Notes a failure that a good message would have had with the chance `risk`.
    pub(super) fn failed_at(&mut self, risk: f64) {
        self.evidence -= risk.log2();
    }

    /// Whether the failures are no bad luck, where so many attempts are allowed.
    pub(super) fn is_proven(&self, allowed: u32) -> bool {
        self.evidence >= BITS_ENOUGH.min(BITS_OF_AN_ATTEMPT * f64::from(allowed))
    }

    /// Its listener is held: the time until it fails again does not count as its age.
    pub fn held(&mut self) {
        self.aging_since = None;
    }

    /// Notes that a call of it failed. The time since the one before counts, unless nobody was called
    /// meanwhile.
    pub(super) fn age(&mut self, mark: Mark) {
        if let Some(since) = self.aging_since.replace(mark)
            && (since.openings, since.pauses) == (mark.openings, mark.pauses)
        {
            self.aged += mark.at.saturating_sub(since.at);
        }
    }

    /// Whether it has been called again for as long as it may.
    pub(super) fn is_too_old(&self, policy: RetryPolicy) -> bool {
        let age = policy.max_age_ms;
        age.is_some_and(|age| self.left_of(age).is_zero())
    }

    /// How much of that age is left.
    pub(super) fn left_of(&self, max_age_ms: u64) -> Duration {
        Duration::from_millis(max_age_ms).saturating_sub(self.aged)
    }

    /// Forgets the attempts that were not its fault; answers how many.
    pub(super) fn forgive(&mut self) -> u32 {
        std::mem::take(&mut self.pending)
    }
}
