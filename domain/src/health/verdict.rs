//! What the end of a call says of its message and of the endpoint.

use std::time::Duration;

use super::history::{History, Mark};
use super::open::Open;
use super::window::Trouble;
use super::{Call, Company, Health, LONGEST_PROBE_WAIT, Sentence, Terms};
use crate::listener::RetryPolicy;
use crate::settlement::{Reason, Verdict, backoff};

/// Messages in a row refused for good, without a result between them, that mean that it is not them.
const REFUSALS: u32 = 20;

/// Failures of one message, others answered between each two, that are its own whatever else fails.
const WITNESSED: u32 = 50;

/// How often a message is put off while others are answered.
const PUT_OFF: u32 = 100;

/// Waits in a row that the endpoint asks for without an answer between them, and the length of one,
/// that people hear of.
const PAUSES: u32 = 10;
const LONG_PAUSE: Duration = Duration::from_secs(60);

/// The longest wait that an endpoint gets by asking.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Waits of an endpoint that does not say how long.
const PAUSING: RetryPolicy = RetryPolicy {
    max_attempts: u32::MAX,
    initial_backoff_ms: 1000,
    max_backoff_ms: 30_000,
    max_age_ms: None,
};

impl<W> Health<W> {
    /// A call ended with `verdict`, at `now`. Answers what follows for its message, whose failures
    /// `history` holds.
    pub fn finished(
        &mut self,
        now: Duration,
        call: &Call,
        history: &mut History,
        verdict: Verdict,
        terms: Terms,
    ) -> Sentence {
        self.end(call);
        self.met(call, verdict);
        match verdict {
            Verdict::Succeeded => {
                if history.was_asked_alone && !self.had_company(call) {
                    self.neighbours.passed_alone(now);
                }
                self.passed(call, history);
                Sentence::Passed
            }
            Verdict::Faulty(reason) => self.refused(now, call, history, reason, terms),
            Verdict::ExpressionFailed(expression) => {
                self.expression_failed(now, call, history, expression, terms)
            }
            Verdict::Wait { after } => self.put_off(now, call, history, after, terms),
            Verdict::Retry { after } => self.failed(now, call, history, None, after, terms),
            Verdict::Block(reason) => self.failed(now, call, history, Some(reason), None, terms),
        }
    }

    pub(super) fn passed(&mut self, call: &Call, history: &History) {
        let recovered = history.is_suspect(self.answered);
        self.answered += 1;
        self.refusals = 0;
        if !self.is_current(call) {
            return;
        }
        if call.pauses == self.pause.number {
            self.pause.in_a_row = 0;
        }
        if self.open.take().is_some() {
            self.window.start_over();
        }
        self.window.end_row();
        if !recovered {
            self.window.passed(history.message(call.number));
        }
        self.slots.succeeded();
    }

    /// The call failed; `version` says why nobody's message would pass, if that is what it looks like.
    fn failed(
        &mut self,
        now: Duration,
        call: &Call,
        history: &mut History,
        version: Option<Reason>,
        after: Option<Duration>,
        terms: Terms,
    ) -> Sentence {
        self.age(now, history);
        let mut refund = self.note(call, history);
        history.pending += 1;
        let is_suspect = history.is_suspect(self.answered);
        let may_be_own = is_suspect && self.is_current(call) && !self.is_outage();
        if may_be_own {
            let message = history.message(call.number);
            history.failed_at(self.window.risk(message, history.since()));
        }
        let is_own = may_be_own && self.is_own(call, history);
        if self.is_current(call) {
            if history.failures == 1 || !is_suspect {
                self.window.failed(history.message(call.number));
            } else if !is_own {
                self.window.held();
            }
        }
        self.probe_failed(now, call, after, terms);
        let used_up = match version {
            Some(_) => Sentence::Faulty(Reason::Refused),
            None => Sentence::Faulty(Reason::AttemptsExhausted),
        };
        if history.witnessed >= WITNESSED.max(terms.allowed) {
            return used_up;
        }
        if is_own {
            history.pending = 0;
            let attempts = terms.attempts.saturating_sub(refund);
            if history.is_too_old(terms.policy) && history.is_proven(attempts.min(terms.allowed)) {
                return Sentence::Faulty(Reason::TooOld);
            }
            if attempts >= terms.allowed {
                if history.is_proven(terms.allowed) {
                    return used_up;
                }
                // Too few others were called meanwhile to tell.
                refund += 1;
            }
        } else if is_suspect || self.open.is_some() || !self.is_current(call) {
            refund += history.forgive();
        }
        if self.is_current(call) {
            let reason = version.unwrap_or(Reason::EndpointUnavailable);
            let by_itself = !is_suspect && (version.is_some() || history.pending >= terms.allowed);
            let trouble = by_itself.then_some(Trouble::Outage);
            if let Some(trouble) = trouble.or(self.window.trouble()) {
                self.open(now, reason, trouble, after, terms);
            }
            if self.open.is_some() {
                refund += history.forgive();
            }
        }
        self.again(history, refund, after, terms)
    }

    /// The endpoint refused the message for good.
    fn refused(
        &mut self,
        now: Duration,
        call: &Call,
        history: &mut History,
        reason: Reason,
        terms: Terms,
    ) -> Sentence {
        if self.is_outage() {
            history.refused += 1;
            // It says so again and again, and so it answers: only not this message, or not yet.
            let is_meant = history.refused >= terms.allowed && self.is_probe(call);
            let is_everybodys = self.opened().is_some_and(|(_, why)| why == Reason::Refused);
            if !is_meant || is_everybodys {
                let refund = self.note(call, history) + 1;
                self.probe_failed(now, call, None, terms);
                return self.again(history, refund, None, terms);
            }
            self.open = None;
            self.window.start_over();
        } else {
            self.probe_failed(now, call, None, terms);
        }
        self.window.end_row();
        if reason == Reason::Refused && self.is_to_be_asked_alone(now, call, history, terms) {
            history.was_asked_alone = true;
            return Sentence::Again {
                refund: 0,
                wait: Duration::ZERO,
                company: Company::NobodyIfSoon,
            };
        }
        if history.was_asked_alone {
            self.neighbours.refused_again();
        }
        self.refusals += 1;
        if self.refusals < REFUSALS {
            return Sentence::Faulty(reason);
        }
        let refund = self.note(call, history) + 1;
        self.open(now, Reason::Refused, Trouble::Outage, None, terms);
        self.again(history, refund, None, terms)
    }

    /// Whether a message that was refused may have been so for the sake of those beside it, and may be
    /// called again.
    fn is_to_be_asked_alone(
        &self,
        now: Duration,
        call: &Call,
        history: &History,
        terms: Terms,
    ) -> bool {
        !history.was_asked_alone
            && terms.attempts < terms.allowed
            && self.had_company(call)
            && (terms.batches_callers || self.neighbours.may_be_to_blame(now))
    }

    /// The endpoint has too much to do.
    fn put_off(
        &mut self,
        now: Duration,
        call: &Call,
        history: &mut History,
        after: Option<Duration>,
        terms: Terms,
    ) -> Sentence {
        let witnessed = history.witnessed;
        history.held();
        let refund = self.note(call, history) + 1;
        if history.witnessed > witnessed {
            history.witnessed = witnessed;
            history.put_off += 1;
        }
        if history.put_off >= PUT_OFF {
            return Sentence::Faulty(Reason::AttemptsExhausted);
        }
        let is_news = call.pauses == self.pause.number;
        if is_news {
            self.pause.number += 1;
            self.pause.in_a_row = self.pause.in_a_row.saturating_add(1);
            self.slots.halve();
        }
        let asked = after.map(|after| after.min(LONGEST_PAUSE));
        let wait = match asked {
            Some(asked) => asked.max(unasked(1, terms)),
            None if is_news => unasked(self.pause.in_a_row, terms),
            None => Duration::ZERO,
        };
        self.pause.until = self.pause.until.max(now + wait);
        let is_long = wait > LONG_PAUSE || self.pause.in_a_row >= PAUSES;
        self.probe_failed(now, call, asked, terms);
        if is_news && is_long && self.is_current(call) {
            let reason = Reason::EndpointUnavailable;
            self.open(now, reason, Trouble::Outage, asked, terms);
        }
        self.again(history, refund, after, terms)
    }

    /// Has a message that failed grow older, unless it is held.
    fn age(&self, now: Duration, history: &mut History) {
        if self.open.is_some() {
            return history.held();
        }
        history.age(Mark {
            at: now,
            openings: self.openings,
            pauses: self.pause.number,
        });
    }

    /// Notes a call that did not succeed; answers how many counted attempts of its message were not
    /// its fault, the endpoint having been found down since.
    fn note(&mut self, call: &Call, history: &mut History) -> u32 {
        history.failures = history.failures.saturating_add(1);
        if history.note(call, self.answered) {
            history.witnessed += 1;
        }
        if history.openings == self.openings {
            return 0;
        }
        history.openings = self.openings;
        history.forgive()
    }

    /// Whether the failure of a message that may be faulty is its own: most others pass, or it has
    /// failed too often for bad luck.
    fn is_own(&self, call: &Call, history: &History) -> bool {
        let (message, since) = (history.message(call.number), history.since());
        let works = self.open.is_none() && self.window.works_for_others(message, since);
        works || history.is_proven(u32::MAX)
    }

    pub(super) fn probe_failed(
        &mut self,
        now: Duration,
        call: &Call,
        after: Option<Duration>,
        terms: Terms,
    ) {
        if self.is_probe(call)
            && let Some(open) = &mut self.open
        {
            let wait = probe_wait(open.failed_turns() + 1, after, terms);
            open.failed(self.waiting.is_empty(), now + wait);
        }
    }

    /// Lets nobody call but probes, unless it is so already.
    pub(super) fn open(
        &mut self,
        now: Duration,
        reason: Reason,
        trouble: Trouble,
        after: Option<Duration>,
        terms: Terms,
    ) {
        match &mut self.open {
            Some(open) => {
                if trouble == Trouble::Outage {
                    open.trouble = trouble;
                }
            }
            None => {
                self.window.found(trouble);
                let wait = probe_wait(1, after, terms);
                self.open = Some(Open::new(reason, trouble, now + wait));
                self.openings += 1;
                self.slots.halve();
            }
        }
    }

    /// The message is called again: after a wait that grows with its failures, bounded where they do
    /// not count as the waits of probes are.
    fn again(
        &self,
        history: &mut History,
        refund: u32,
        after: Option<Duration>,
        terms: Terms,
    ) -> Sentence {
        history.openings = self.openings;
        let policy = if refund > 0 {
            probing(terms.policy)
        } else {
            terms.policy
        };
        let mut wait = backoff(policy, history.failures, after, terms.unit);
        if let Some(age) = terms.policy.max_age_ms
            && refund == 0
        {
            // Its last call is made when it has reached the age.
            wait = wait.min(history.left_of(age));
        }
        Sentence::Again {
            refund,
            wait,
            company: Company::Others,
        }
    }
}

fn probe_wait(turn: u32, after: Option<Duration>, terms: Terms) -> Duration {
    let jitter = 0.5 + terms.unit / 2.0;
    backoff(probing(terms.policy), turn, after, jitter)
}

fn unasked(pauses: u32, terms: Terms) -> Duration {
    let policy = RetryPolicy {
        initial_backoff_ms: PAUSING
            .initial_backoff_ms
            .min(terms.policy.initial_backoff_ms),
        max_backoff_ms: PAUSING.max_backoff_ms.min(terms.policy.max_backoff_ms),
        ..PAUSING
    };
    backoff(policy, pauses, None, 0.5 + terms.unit / 2.0)
}

/// The policy by which those wait who are called again without having failed.
pub(super) fn probing(policy: RetryPolicy) -> RetryPolicy {
    let longest = LONGEST_PROBE_WAIT.as_millis() as u64;
    RetryPolicy {
        max_backoff_ms: policy.max_backoff_ms.min(longest),
        ..policy
    }
}
