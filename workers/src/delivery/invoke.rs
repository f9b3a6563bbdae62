//! Invoke: calls the endpoint until the message has passed, or cannot.

use std::sync::Arc;

use brokers::Message;
use bytes::Bytes;
use domain::Assignment;
use domain::run::CalledVersion;
use domain::settlement::{self, Reason, Verdict};

use super::breaker::Streak;
use super::call;
use super::called::Called;
use super::claim::Run;
use super::gate::Pass;
use super::input::Input;
use super::{Pipeline, Unsettled, is_callable, is_too_large};
use crate::pause::unit;

/// What invoking came to.
pub(super) struct Finding {
    /// The assignment that the last call, if any, was made under.
    pub(super) assignment: Arc<Assignment>,
    pub(super) status: Option<u16>,
    pub(super) found: Found,
}

pub(super) enum Found {
    Result {
        content_type: Option<String>,
        /// None where the endpoint has nothing to say.
        body: Option<Bytes>,
    },
    Faulty {
        reason: Reason,
        text: String,
    },
}

pub(super) async fn invoke(
    pipeline: &Pipeline,
    message: &Message,
    run: &mut Run,
) -> Result<Finding, Unsettled> {
    let found = try_calls(pipeline, message, run).await;
    if matches!(found, Err(Unsettled::Stopped)) && run.counted_ahead {
        // It was never called.
        refund(pipeline, run, 1).await?;
    }
    found
}

async fn try_calls(
    pipeline: &Pipeline,
    message: &Message,
    run: &mut Run,
) -> Result<Finding, Unsettled> {
    // The failures of this message, each in the row of failures of all that it belongs to.
    let mut failures: Vec<Streak> = Vec::new();
    loop {
        let assignment = pipeline.current();
        if is_too_large(&assignment, message) {
            return Ok(too_large(assignment, message));
        }
        pipeline.until(to_call).await?;
        let pass = pipeline.unless_stopping(pipeline.gate.enter()).await?;
        // The newest: it may have changed while the message waited for its turn.
        let (assignment, version) = pipeline.until(to_call).await?;
        let tripped = failures.extract_if(.., |streak| streak.tripped()).count();
        refund(pipeline, run, u32::try_from(tripped).unwrap_or(u32::MAX)).await?;
        let allowed = assignment.settings.retry.max_attempts + run.forgiven;
        if run.counted_ahead {
            run.counted_ahead = false;
        } else if run.attempts >= allowed {
            return Ok(exhausted(
                assignment,
                run,
                None,
                "every attempt was cut short",
            ));
        } else {
            run.attempts = pipeline.journal.attempt(run.key).await?;
        }
        let called = call(pipeline, &version, message, run, &pass).await;
        let verdict = settlement::judge(&called.answer);
        let attempt = Attempt {
            assignment,
            allowed,
            called,
        };
        let streak = pipeline
            .gate
            .record(pass, &verdict, || attempt.called.summary());
        match verdict {
            Verdict::Succeeded => return Ok(attempt.result()),
            Verdict::Faulty(reason) => return Ok(attempt.faulty(reason)),
            Verdict::Block(_) => refund(pipeline, run, 1).await?,
            // While the listener is blocked a failure says nothing of the message.
            Verdict::Retry { .. } if pipeline.gate.is_blocked() && streak.tripped() => {
                refund(pipeline, run, 1).await?;
            }
            Verdict::Retry { after } => {
                failures.push(streak.clone());
                if run.attempts >= attempt.allowed {
                    let never_reached = !attempt.called.connected;
                    if !never_reached || failures.iter().any(|failure| !failure.is(&streak)) {
                        let text = attempt.called.summary();
                        return Ok(exhausted(
                            attempt.assignment,
                            run,
                            attempt.called.answer_status(),
                            &text,
                        ));
                    }
                    // Nobody was reached since the message was first tried: not its fault.
                    pipeline.gate.trip(&streak, &attempt.called.summary());
                    continue;
                }
                let policy = attempt.assignment.settings.retry;
                let wait = settlement::backoff(policy, run.attempts, after, unit(&*pipeline.ids));
                pipeline.pause(wait).await?;
            }
        }
    }
}

/// The version to call, once there is one and it is known where its results go.
fn to_call(assignment: &Arc<Assignment>) -> Option<CalledVersion> {
    let version = assignment.version.as_ref()?;
    is_callable(assignment).then(|| version.clone())
}

async fn call(
    pipeline: &Pipeline,
    version: &CalledVersion,
    message: &Message,
    run: &Run,
    _slot: &Pass,
) -> Called {
    let input = Input::of_message(message);
    call::call(&pipeline.endpoints, version, &input, run).await
}

/// Takes back attempts that were not the message's fault.
async fn refund(pipeline: &Pipeline, run: &mut Run, attempts: u32) -> Result<(), Unsettled> {
    if attempts > 0 {
        run.attempts = run.attempts.saturating_sub(attempts);
        pipeline.journal.refund(run.key, attempts).await?;
    }
    Ok(())
}

/// A call that was made.
struct Attempt {
    assignment: Arc<Assignment>,
    allowed: u32,
    called: Called,
}

impl Attempt {
    fn result(self) -> Finding {
        Finding {
            assignment: self.assignment,
            status: self.called.answer_status(),
            found: Found::Result {
                content_type: self.called.representation.stored(),
                body: self.called.result,
            },
        }
    }

    fn faulty(self, reason: Reason) -> Finding {
        let text = self.called.summary();
        Finding {
            assignment: self.assignment,
            status: self.called.answer_status(),
            found: Found::Faulty { reason, text },
        }
    }
}

fn exhausted(assignment: Arc<Assignment>, run: &Run, status: Option<u16>, last: &str) -> Finding {
    Finding {
        assignment,
        status,
        found: Found::Faulty {
            reason: Reason::AttemptsExhausted,
            text: format!("all {} attempts failed, the last: {last}", run.attempts),
        },
    }
}

fn too_large(assignment: Arc<Assignment>, message: &Message) -> Finding {
    let limit = assignment.settings.max_message_bytes;
    Finding {
        assignment,
        status: None,
        found: Found::Faulty {
            reason: Reason::MessageTooLarge,
            text: format!(
                "the message has {} bytes, the listener takes {limit}",
                message.body_len()
            ),
        },
    }
}
