//! What one try of a message came to: its call, and the expressions around it.

use std::sync::Arc;
use std::time::Duration;

use brokers::Message;
use domain::Assignment;
use domain::settlement::{self, Reason, Verdict};

use super::called::Called;
use super::claim::Run;
use super::expressions::{Compiled, Failed};
use super::invoke::{Finding, Found, all_failed};
use super::sampled::{Call, Sent};

pub(super) struct Tried {
    pub(super) verdict: Verdict,
    /// None where an expression failed before the call.
    called: Option<Called>,
    /// What the expression says that failed.
    failed: Option<String>,
    sent: Option<Sent>,
    duration: Duration,
}

impl Tried {
    /// That of a call, whose result is transformed if it succeeded.
    pub(super) fn of(
        mut called: Called,
        sent: Sent,
        duration: Duration,
        expressions: &Compiled,
        message: &Message,
        run: &Run,
    ) -> Self {
        let verdict = settlement::judge(&called.answer);
        if verdict == Verdict::Succeeded
            && let Err(failed) = expressions.transform(&mut called, message, run)
        {
            return Self {
                called: Some(called),
                sent: Some(sent),
                duration,
                ..Self::uncalled(failed)
            };
        }
        Self {
            verdict,
            called: Some(called),
            failed: None,
            sent: Some(sent),
            duration,
        }
    }

    /// That of a message that an expression failed for before it was called.
    pub(super) fn uncalled(failed: Failed) -> Self {
        Self {
            verdict: Verdict::ExpressionFailed(failed.expression),
            called: None,
            failed: Some(failed.text),
            sent: None,
            duration: Duration::ZERO,
        }
    }

    /// What it came to, for people.
    pub(super) fn summary(&self) -> String {
        let called = || self.called.as_ref().map(Called::summary);
        self.failed.clone().or_else(called).unwrap_or_default()
    }

    pub(super) fn passed(mut self, assignment: Arc<Assignment>, run: &Run) -> Finding {
        let status = self.status();
        let call = self.call(run);
        let (representation, body) = self
            .called
            .map(|called| (called.representation, called.result))
            .unwrap_or_default();
        Finding {
            assignment,
            status,
            call,
            found: Found::Result {
                representation,
                body,
            },
        }
    }

    /// The message is faulty, by what this came to alone or because all its attempts failed.
    pub(super) fn faulty(
        mut self,
        assignment: Arc<Assignment>,
        run: &Run,
        reason: Reason,
    ) -> Finding {
        let last = self.summary();
        let is_at_once = matches!(
            self.verdict,
            Verdict::Faulty(_) | Verdict::ExpressionFailed(_)
        );
        let text = match reason {
            _ if is_at_once => last,
            Reason::TooOld => too_old(&assignment, run, &last),
            _ => all_failed(run, &last),
        };
        Finding {
            assignment,
            status: self.status(),
            call: self.call(run),
            found: Found::Faulty { reason, text },
        }
    }

    /// The call as it was made, to be kept.
    fn call(&mut self, run: &Run) -> Option<Call> {
        Some(Call {
            sent: self.sent.take()?,
            status: self.status(),
            received: self.called.as_mut()?.received.take(),
            attempt: run.attempts,
            duration: self.duration,
        })
    }

    fn status(&self) -> Option<u16> {
        self.called.as_ref()?.answer_status()
    }
}

fn too_old(assignment: &Assignment, run: &Run, last: &str) -> String {
    let age = assignment.settings.retry.max_age_ms.unwrap_or_default();
    let attempts = run.attempts;
    format!("it failed for {age} ms, in {attempts} attempts, the last: {last}")
}
