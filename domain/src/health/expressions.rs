//! Whose fault it is that an expression of the listener fails for messages.
//!
//! It says nothing of the endpoint, and it fails for the same message again. So a message is faulty
//! unless the expression failed for twenty in a row without one between them that it did its work
//! for; then nobody is called but probes, until there is one or the expression is another.

use std::time::Duration;

use super::history::History;
use super::verdict::probing;
use super::window::Trouble;
use super::{Call, Company, Health, Sentence, Terms};
use crate::settlement::{Expression, Reason, Verdict, backoff};

/// Messages in a row that an expression failed for, that mean that it is not them.
const MOST_FAULTY: u32 = 20;

/// The messages in a row that each expression failed for.
#[derive(Debug, Default)]
pub(super) struct Failing {
    filter: u32,
    request: u32,
    result: u32,
}

impl Failing {
    fn of(&mut self, expression: Expression) -> &mut u32 {
        match expression {
            Expression::Filter => &mut self.filter,
            Expression::Request => &mut self.request,
            Expression::Result => &mut self.result,
        }
    }
}

impl<W> Health<W> {
    /// An expression did its work for a message, and so does not fail for all.
    pub fn evaluated(&mut self, expression: Expression) {
        *self.failing.of(expression) = 0;
        if self.is_open_because(expression.reason()) {
            self.reopen();
        }
    }

    /// The expressions are others: nothing is known of them.
    pub fn expressions_changed(&mut self) {
        self.expressions += 1;
        for expression in Expression::ALL {
            self.evaluated(*expression);
        }
    }

    /// Notes the expressions that did their work for a message whose call ended with `verdict`.
    pub(super) fn met(&mut self, call: &Call, verdict: Verdict) {
        let met = match verdict {
            Verdict::Succeeded => Expression::ALL,
            Verdict::ExpressionFailed(expression) => expression.before(),
            Verdict::Retry { .. }
            | Verdict::Wait { .. }
            | Verdict::Faulty(_)
            | Verdict::Block(_) => Expression::BEFORE_A_CALL,
        };
        if self.is_current(call) && call.expressions == self.expressions {
            for expression in met {
                self.evaluated(*expression);
            }
        }
    }

    /// An expression failed for the message.
    pub(super) fn expression_failed(
        &mut self,
        now: Duration,
        call: &Call,
        history: &mut History,
        expression: Expression,
        terms: Terms,
    ) -> Sentence {
        let reason = expression.reason();
        let is_known = self.is_open_because(reason);
        if is_known {
            self.probe_failed(now, call, None, terms);
        } else if expression == Expression::Result {
            self.passed(call, history);
        } else if self.is_probe(call)
            && let Some(open) = &mut self.open
        {
            // Nobody was called.
            open.give_up();
        }
        if call.expressions != self.expressions {
            // The one that failed is none of the listener's any more.
            return again(history, expression, terms);
        }
        let row = self.failing.of(expression);
        *row = row.saturating_add(1);
        if !is_known && *row < MOST_FAULTY {
            return Sentence::Faulty(reason);
        }
        self.open(now, reason, Trouble::Outage, None, terms);
        again(history, expression, terms)
    }

    fn is_open_because(&self, reason: Reason) -> bool {
        self.opened().is_some_and(|(_, why)| why == reason)
    }

    /// Lets everybody call again.
    fn reopen(&mut self) {
        self.open = None;
        self.window.start_over();
    }
}

/// The message is taken through the expressions again. If it was called, that was no attempt.
fn again(history: &mut History, expression: Expression, terms: Terms) -> Sentence {
    history.unevaluated = history.unevaluated.saturating_add(1);
    let policy = probing(terms.policy);
    Sentence::Again {
        refund: u32::from(expression == Expression::Result),
        wait: backoff(policy, history.unevaluated, None, terms.unit),
        company: Company::Others,
    }
}

#[cfg(test)]
mod tests;
