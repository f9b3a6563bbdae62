//! Invoke: calls the endpoint until the message has passed, or cannot.

use std::sync::Arc;
use std::time::{Duration, Instant};

use brokers::{Delivery, Message};
use bytes::Bytes;
use domain::Assignment;
use domain::health::{Candidate, Company, History, Sentence};
use domain::listener::BatchPolicy;
use domain::run::CalledVersion;
use domain::settlement::{Expression, Reason, Verdict};

use super::call;
use super::called::Called;
use super::claim::Run;
use super::expressions::Compiled;
use super::gate::{Ended, Expected, Pass};
use super::input::Input;
use super::sampled::Call;
use super::tried::Tried;
use super::{Failure, Pipeline, Unsettled, is_callable, is_skipped, is_too_large, unless_lost};
use crate::crash::Point;
use crate::journal::{Representation, Timing};

/// What invoking came to.
pub(super) struct Finding {
    /// The assignment that the last call, if any, was made under.
    pub(super) assignment: Arc<Assignment>,
    pub(super) status: Option<u16>,
    /// That call.
    pub(super) call: Option<Call>,
    /// When it was made.
    pub(super) timing: Option<Timing>,
    pub(super) found: Found,
}

impl Finding {
    /// The bytes of the result, if there is one.
    pub(super) fn size(&self) -> usize {
        match &self.found {
            Found::Result { body, .. } => body.as_ref().map_or(0, Bytes::len),
            Found::Filtered | Found::Faulty { .. } => 0,
        }
    }
}

pub(super) enum Found {
    Result {
        representation: Representation,
        /// None where the endpoint has nothing to say.
        body: Option<Bytes>,
    },
    /// The listener leaves it out.
    Filtered,
    Faulty {
        reason: Reason,
        text: String,
    },
}

pub(super) async fn invoke(
    pipeline: &Pipeline,
    delivery: &Delivery,
    run: &mut Run,
    expected: Option<Expected>,
) -> Result<Finding, Unsettled> {
    let found = try_calls(pipeline, delivery, run, expected).await;
    if !matches!(found, Err(Unsettled::Journal(_))) && run.counted_ahead {
        // The call that was counted was never made, or cut short.
        refund(pipeline, run, 1).await?;
    }
    found
}

async fn try_calls(
    pipeline: &Pipeline,
    delivery: &Delivery,
    run: &mut Run,
    mut expected: Option<Expected>,
) -> Result<Finding, Unsettled> {
    let message = &delivery.message;
    let mut history = History::default();
    let mut failed_before = false;
    let mut candidate = Candidate {
        is_fresh: true,
        company: pipeline.calling.company(run),
    };
    loop {
        if let Some(finding) = unsent(pipeline.current(), message) {
            return Ok(finding);
        }
        let (assignment, expressions) = callable(pipeline, &mut history).await?;
        if let Ok(false) = run.sift(&expressions, message) {
            return Ok(filtered(pipeline, assignment));
        }
        let pass = pass(pipeline, candidate, expected.take()).await?;
        unless_lost(delivery)?;
        let company = std::mem::take(&mut candidate).company;
        // The newest: it may have changed while the message waited for its turn.
        let (assignment, expressions) = pipeline.until(to_call(pipeline)).await?;
        let Some(version) = &assignment.version else {
            continue;
        };
        let terms = Terms {
            assignment: &assignment,
            version,
            expressions: &expressions,
            allowed: assignment.settings.retry.max_attempts + run.forgiven,
            is_alone: failed_before || company != Company::Others,
        };
        let allowed = terms.allowed;
        // Apart, for those that only wait for their turn are many.
        let tried = match Box::pin(try_once(pipeline, delivery, run, terms)).await? {
            Step::Tried(tried) => tried,
            Step::Shared => {
                delivery.rest();
                failed_before = true;
                continue;
            }
            Step::Forbidden => continue,
            Step::Filtered => return Ok(filtered(pipeline, assignment)),
            Step::CutShort => return Ok(cut_short(assignment, run)),
        };
        failed_before |= tried.is_about_messages();
        let ended = Ended {
            assignment: &assignment,
            attempts: run.attempts,
            allowed,
            verdict: tried.verdict,
        };
        let gate = &pipeline.gate;
        let sentence = gate.finish(pass, &mut history, &ended, || tried.summary());
        if let Some(failed) = tried.failed_call(version, &sentence) {
            pipeline.journal.call_failed(run.key, failed).await?;
        }
        match sentence {
            Sentence::Passed => return Ok(tried.passed(assignment, run)),
            Sentence::Faulty(reason) => return Ok(tried.faulty(assignment, run, reason)),
            Sentence::Again {
                refund: attempts,
                wait,
                company,
            } => {
                delivery.rest();
                candidate.company = company;
                refund(pipeline, run, attempts).await?;
                pause(pipeline, wait, &tried, &expressions).await?;
            }
        }
    }
}

/// Waits until a call may be made.
async fn pass(
    pipeline: &Pipeline,
    candidate: Candidate,
    expected: Option<Expected>,
) -> Result<Pass, Unsettled> {
    pipeline.leased().await?;
    let turn = pipeline.gate.enter(candidate, expected);
    let pass = pipeline.unless_stopping(turn).await?;
    pipeline.room_for_result().await?;
    Ok(pass)
}

/// Counts the call that is about to be made, unless it is counted already; whether it is `allowed`.
async fn count(pipeline: &Pipeline, run: &mut Run, allowed: u32) -> Result<bool, Unsettled> {
    if run.counted_ahead {
        return Ok(true);
    }
    if run.attempts >= allowed {
        return Ok(false);
    }
    run.attempts = pipeline.journal.attempt(run.key).await?;
    run.counted_ahead = true;
    Ok(true)
}

/// What becomes of a message that is never sent, whatever it holds.
fn unsent(assignment: Arc<Assignment>, message: &Message) -> Option<Finding> {
    if is_too_large(&assignment, message) {
        return Some(too_large(assignment, message));
    }
    is_skipped(&assignment, message).then(|| left_out(assignment))
}

/// What a message is called by, once there is a version that may be called. It grows no older
/// meanwhile.
async fn callable(
    pipeline: &Pipeline,
    history: &mut History,
) -> Result<(Arc<Assignment>, Arc<Compiled>), Unsettled> {
    if to_call(pipeline)(&pipeline.current()).is_none() {
        history.held();
    }
    pipeline.until(to_call(pipeline)).await
}

/// The expressions that messages are taken through, once there is a version that may be called.
fn to_call(pipeline: &Pipeline) -> impl FnMut(&Arc<Assignment>) -> Option<Arc<Compiled>> {
    move |assignment| {
        let expressions = pipeline.expressions.of(&assignment.settings).ok()?;
        is_callable(assignment).then_some(expressions)
    }
}

/// What a call is made under.
struct Terms<'a> {
    assignment: &'a Assignment,
    version: &'a CalledVersion,
    expressions: &'a Arc<Compiled>,
    /// Attempts, counted ones included.
    allowed: u32,
    is_alone: bool,
}

/// What came of one try.
enum Step {
    Tried(Box<Tried>),
    /// Others failed with the message, and nothing is known of it by itself.
    Shared,
    /// The call may not be made any more.
    Forbidden,
    /// The listener leaves the message out.
    Filtered,
    /// Its attempts were used up before.
    CutShort,
}

/// Makes one call, unless it is forbidden by now or there is none to make.
async fn try_once(
    pipeline: &Pipeline,
    delivery: &Delivery,
    run: &mut Run,
    terms: Terms<'_>,
) -> Result<Step, Unsettled> {
    let (message, expressions) = (&delivery.message, terms.expressions);
    let batch = terms.assignment.settings.batch;
    let input = match run.sift(expressions, message) {
        Ok(true) => expressions.input(message, run, batch.is_some()),
        Ok(false) => return Ok(Step::Filtered),
        Err(failed) => Err(failed),
    };
    let input = match input {
        Ok(input) => input,
        Err(failed) => return Ok(Step::Tried(Box::new(Tried::uncalled(failed)))),
    };
    if !count(pipeline, run, terms.allowed).await? {
        return Ok(Step::CutShort);
    }
    // Nothing is waited for between this and the call.
    if !pipeline.may_call(terms.assignment)? {
        return Ok(Step::Forbidden);
    }
    if !delivery.begin() {
        return Err(Unsettled::Lost);
    }
    let batch = batch.map(|policy| (policy, terms.is_alone));
    let made = counted_call(pipeline, terms.version, batch, &input, run).await?;
    let Some((called, timing)) = made else {
        return Ok(Step::Shared);
    };
    let tried = Tried::of(called, input.sent(), timing, expressions, message, run);
    let succeeded = tried.verdict == Verdict::Succeeded;
    pipeline.meter.called(timing.took, succeeded);
    Ok(Step::Tried(Box::new(tried)))
}

/// Makes a call that is counted, and says when. Where others failed with the message, it does not
/// count: the message is to be called by itself.
async fn counted_call(
    pipeline: &Pipeline,
    version: &CalledVersion,
    batch: Option<(BatchPolicy, bool)>,
    input: &Input,
    run: &mut Run,
) -> Result<Option<(Called, Timing)>, Unsettled> {
    Point::Calling.pass();
    let began = Instant::now();
    let called = call(pipeline, version, batch, input, run).await?;
    run.counted_ahead = false;
    let Some(called) = called else {
        refund(pipeline, run, 1).await?;
        return Ok(None);
    };
    let took = began.elapsed();
    Ok(Some((called, Timing { began, took })))
}

/// Calls a message by itself or in a `batch`, there alone or not; none where its batch failed and
/// nothing is known of it by itself.
async fn call(
    pipeline: &Pipeline,
    version: &CalledVersion,
    batch: Option<(BatchPolicy, bool)>,
    input: &Input,
    run: &Run,
) -> Result<Option<Called>, Unsettled> {
    let _calling = pipeline.calling.begin(run.key);
    let called = async {
        let Some((policy, is_alone)) = batch else {
            let called = call::call(&pipeline.endpoints, version, input, run);
            return Ok(Some(called.await));
        };
        let called = pipeline.batches.call(version, policy, input, run, is_alone);
        let Some(ended) = called.await else {
            pipeline.fail(Failure::Panicked("the task of a batch".to_owned()));
            return Err(Unsettled::Stopped);
        };
        Ok((!ended.is_shared()).then_some(ended.called))
    };
    tokio::select! {
        biased;
        called = called => called,
        () = pipeline.giving_up.cancelled() => Err(Unsettled::Stopped),
    }
}

/// Waits before the next call. A message that an expression failed for need not wait for longer than
/// until it is another.
async fn pause(
    pipeline: &Pipeline,
    wait: Duration,
    tried: &Tried,
    expressions: &Arc<Compiled>,
) -> Result<(), Unsettled> {
    if !matches!(tried.verdict, Verdict::ExpressionFailed(_)) {
        return pipeline.pause(wait).await;
    }
    let changed = pipeline.until(|assignment| {
        let current = pipeline.expressions.of(&assignment.settings).ok()?;
        (!Arc::ptr_eq(&current, expressions)).then_some(())
    });
    let changed = Box::pin(changed);
    tokio::select! {
        waited = pipeline.pause(wait) => waited,
        changed = changed => changed.map(drop),
    }
}

/// Takes back attempts that were not the message's fault.
async fn refund(pipeline: &Pipeline, run: &mut Run, attempts: u32) -> Result<(), Unsettled> {
    if attempts > 0 {
        run.attempts = run.attempts.saturating_sub(attempts);
        pipeline.journal.refund(run.key, attempts).await?;
    }
    Ok(())
}

fn filtered(pipeline: &Pipeline, assignment: Arc<Assignment>) -> Finding {
    pipeline.gate.evaluated(Expression::Filter);
    left_out(assignment)
}

fn left_out(assignment: Arc<Assignment>) -> Finding {
    Finding {
        assignment,
        status: None,
        call: None,
        timing: None,
        found: Found::Filtered,
    }
}

/// The message used up its attempts without any having been heard of.
fn cut_short(assignment: Arc<Assignment>, run: &Run) -> Finding {
    Finding {
        assignment,
        status: None,
        call: None,
        timing: None,
        found: Found::Faulty {
            reason: Reason::AttemptsExhausted,
            text: all_failed(run, "every attempt was cut short"),
        },
    }
}

pub(super) fn all_failed(run: &Run, last: &str) -> String {
    format!("all {} attempts failed, the last: {last}", run.attempts)
}

fn too_large(assignment: Arc<Assignment>, message: &Message) -> Finding {
    let limit = assignment.settings.max_message_bytes;
    Finding {
        assignment,
        status: None,
        call: None,
        timing: None,
        found: Found::Faulty {
            reason: Reason::MessageTooLarge,
            text: format!(
                "the message has {} bytes, the listener takes {limit}",
                message.body_len()
            ),
        },
    }
}
