//! What one try of a message came to: its call, and the expressions around it.

use std::sync::Arc;
use std::time::Duration;

use brokers::Message;
use domain::Assignment;
use domain::health::Sentence;
use domain::run::{AttemptOutcome, CalledVersion};
use domain::settlement::{self, Reason, Verdict};

use super::called::Called;
use super::claim::Run;
use super::expressions::{Compiled, Failed};
use super::invoke::{Finding, Found, all_failed};
use super::sampled::{Call, Sent};
use crate::journal::{FailedCall, Timing};

pub(super) struct Tried {
    pub(super) verdict: Verdict,
    /// None where an expression failed before the call.
    called: Option<Called>,
    timing: Option<Timing>,
    /// What the expression says that failed.
    failed: Option<String>,
    sent: Option<Sent>,
}

impl Tried {
    /// That of a call, whose result is transformed if it succeeded.
    pub(super) fn of(
        mut called: Called,
        sent: Sent,
        timing: Timing,
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
                timing: Some(timing),
                sent: Some(sent),
                ..Self::uncalled(failed)
            };
        }
        Self {
            verdict,
            called: Some(called),
            timing: Some(timing),
            failed: None,
            sent: Some(sent),
        }
    }

    /// That of a message that an expression failed for before it was called.
    pub(super) fn uncalled(failed: Failed) -> Self {
        Self {
            verdict: Verdict::ExpressionFailed(failed.expression),
            called: None,
            timing: None,
            failed: Some(failed.text),
            sent: None,
        }
    }

    /// Whether it failed in a way that may be the message's.
    pub(super) fn is_about_messages(&self) -> bool {
        self.called.as_ref().is_some_and(Called::is_about_messages)
    }

    /// What it came to, for people.
    pub(super) fn summary(&self) -> String {
        let called = || self.called.as_ref().map(Called::summary);
        self.failed.clone().or_else(called).unwrap_or_default()
    }

    /// The call as it is written down, if one was made and did not succeed.
    pub(super) fn failed_call(
        &self,
        version: &CalledVersion,
        sentence: &Sentence,
    ) -> Option<FailedCall> {
        let (called, timing) = (self.called.as_ref()?, self.timing?);
        let outcome = match self.verdict {
            Verdict::Succeeded => return None,
            Verdict::ExpressionFailed(_) => AttemptOutcome::TransformFailed,
            _ => AttemptOutcome::of_failure(&called.answer),
        };
        Some(FailedCall {
            timing,
            version: version.version.clone(),
            outcome,
            status: called.answer_status(),
            text: self.summary(),
            is_counted: !matches!(sentence, Sentence::Again { refund: 1.., .. }),
        })
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
            timing: self.timing,
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
            timing: self.timing,
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
            duration: self.timing.map_or(Duration::ZERO, |timing| timing.took),
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
