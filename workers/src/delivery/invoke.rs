//! Invoke: calls the endpoint until the message has passed, or cannot.

use std::sync::Arc;

use brokers::Message;
use bytes::Bytes;
use domain::Assignment;
use domain::health::{Candidate, History, Sentence};
use domain::run::CalledVersion;
use domain::settlement::{self, Reason, Verdict};

use super::call;
use super::called::Called;
use super::claim::Run;
use super::gate::{Ended, Expected};
use super::input::Input;
use super::{Pipeline, Unsettled, is_callable, is_too_large};
use crate::journal::Representation;

/// What invoking came to.
pub(super) struct Finding {
    /// The assignment that the last call, if any, was made under.
    pub(super) assignment: Arc<Assignment>,
    pub(super) status: Option<u16>,
    pub(super) found: Found,
}

pub(super) enum Found {
    Result {
        representation: Representation,
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
    expected: Option<Expected>,
) -> Result<Finding, Unsettled> {
    let found = try_calls(pipeline, message, run, expected).await;
    if matches!(found, Err(Unsettled::Stopped)) && run.counted_ahead {
        // The call that was counted was never made, or cut short.
        refund(pipeline, run, 1).await?;
    }
    found
}

async fn try_calls(
    pipeline: &Pipeline,
    message: &Message,
    run: &mut Run,
    mut expected: Option<Expected>,
) -> Result<Finding, Unsettled> {
    let mut history = History::default();
    let mut candidate = Candidate {
        is_fresh: true,
        is_alone: pipeline.calling.may_have_crashed(run),
    };
    loop {
        let assignment = pipeline.current();
        if is_too_large(&assignment, message) {
            return Ok(too_large(assignment, message));
        }
        pipeline.until(to_call).await?;
        let turn = pipeline.gate.enter(candidate, expected.take());
        let pass = pipeline.unless_stopping(turn).await?;
        candidate = Candidate::default();
        // The newest: it may have changed while the message waited for its turn.
        let (assignment, version) = pipeline.until(to_call).await?;
        let allowed = assignment.settings.retry.max_attempts + run.forgiven;
        if !run.counted_ahead {
            if run.attempts >= allowed {
                return Ok(cut_short(assignment, run));
            }
            run.attempts = pipeline.journal.attempt(run.key).await?;
            run.counted_ahead = true;
        }
        let calling = pipeline.calling.begin(run.key);
        let called = tokio::select! {
            biased;
            called = call(pipeline, &version, message, run) => called,
            () = pipeline.giving_up.cancelled() => return Err(Unsettled::Stopped),
        };
        drop(calling);
        run.counted_ahead = false;
        let ended = Ended {
            assignment: &assignment,
            attempts: run.attempts,
            allowed,
            verdict: settlement::judge(&called.answer),
        };
        let gate = &pipeline.gate;
        let sentence = gate.finish(pass, &mut history, &ended, || called.summary());
        match sentence {
            Sentence::Passed => return Ok(passed(assignment, called)),
            Sentence::Faulty(reason) => {
                let is_at_once = matches!(ended.verdict, Verdict::Faulty(_));
                return Ok(faulty(assignment, run, called, reason, is_at_once));
            }
            Sentence::Again {
                refund: attempts,
                wait,
            } => {
                refund(pipeline, run, attempts).await?;
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

fn passed(assignment: Arc<Assignment>, called: Called) -> Finding {
    Finding {
        assignment,
        status: called.answer_status(),
        found: Found::Result {
            representation: called.representation,
            body: called.result,
        },
    }
}

/// The message is faulty, by its last answer alone or because all its attempts failed.
fn faulty(
    assignment: Arc<Assignment>,
    run: &Run,
    called: Called,
    reason: Reason,
    is_at_once: bool,
) -> Finding {
    let last = called.summary();
    let text = if is_at_once {
        last
    } else {
        all_failed(run, &last)
    };
    Finding {
        assignment,
        status: called.answer_status(),
        found: Found::Faulty { reason, text },
    }
}

/// The message used up its attempts without any having been heard of.
fn cut_short(assignment: Arc<Assignment>, run: &Run) -> Finding {
    Finding {
        assignment,
        status: None,
        found: Found::Faulty {
            reason: Reason::AttemptsExhausted,
            text: all_failed(run, "every attempt was cut short"),
        },
    }
}

fn all_failed(run: &Run, last: &str) -> String {
    format!("all {} attempts failed, the last: {last}", run.attempts)
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
