//! One direct run: claim, invoke, decide, publish.

use std::sync::Arc;
use std::time::Duration;

use domain::listener::RetryPolicy;
use domain::run::{
    AttemptOutcome, CalledVersion, DirectFailure, DirectOutcome, DirectResult, DirectRun,
};
use domain::settlement::{self, Decision, Reason, Verdict, backoff};
use domain::{AlgorithmId, RunId, TopicId, Version};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::{NotRun, Shared};
use crate::crash::Point;
use crate::delivery::call::call;
use crate::delivery::called::Called;
use crate::delivery::claim::Run;
use crate::delivery::input::Input;
use crate::journal::{
    Claim, Draft, FailedCall, JournalError, Outcome, Pending, Publication, Recorded, Taken, Timing,
    Unpublished, digest,
};
use crate::pause::unit;

/// How often an endpoint that takes no connection is tried. One that took it is called once: the
/// caller waits and may ask again, and knows better than we whether to.
const CONNECTING: RetryPolicy = RetryPolicy {
    max_attempts: 3,
    initial_backoff_ms: 200,
    max_backoff_ms: 1000,
    max_age_ms: None,
};

impl Shared {
    /// Takes a run all the way; tells when its claim is durable, and when its decision is.
    pub(super) async fn take(
        &self,
        id: RunId,
        run: DirectRun,
        claimed: oneshot::Sender<Result<(), NotRun>>,
        end: oneshot::Sender<DirectOutcome>,
    ) {
        let DirectRun {
            algorithm,
            version,
            content_type,
            body,
            timeout,
            room: _room,
        } = run;
        let begun = async {
            let outputs = self
                .publishers
                .recently(&algorithm, &version.version)
                .await?;
            Ok((self.claim(id, &algorithm).await?, outputs))
        };
        let (mut run, outputs) = match begun.await {
            Ok(begun) => begun,
            // A caller that has stopped waiting needs no answer, here and below.
            Err(error) => return drop(claimed.send(Err(error))),
        };
        let _ = claimed.send(Ok(()));
        let input = Input::of_caller(&algorithm, content_type, body);
        let began = Instant::now();
        let invoked = self.invoke(&version, &input, &mut run, began + timeout);
        let (called, timing) = match invoked.await {
            Ok(invoked) => invoked,
            Err(error) => return undecided(id, &error),
        };
        let duration = began.elapsed();
        drop(input);
        let outputs = outputs.outputs.decided();
        let mut draft = draft(version.version.clone(), &run, &called, outputs);
        draft.call = Some(timing);
        let draft = Arc::new(draft);
        let recorded = match self.journal.decide(run.key, Arc::clone(&draft)).await {
            Ok(Outcome::Recorded(at)) => Recorded {
                draft: Arc::unwrap_or_clone(draft),
                finished_at: at,
            },
            Ok(Outcome::Earlier(recorded)) => *recorded,
            // Only runs that have ended are forgotten.
            Ok(Outcome::Forgotten) => return,
            Err(error) => return undecided(id, &error),
        };
        Point::DirectDecided.pass();
        let _ = end.send(outcome(duration, called));
        if let Pending::Result(publication) = recorded.draft.pending {
            let unpublished = Unpublished {
                run: run.key,
                run_id: id,
                algorithm,
                listener: None,
                version: version.version,
                publication,
            };
            self.outbox.publish_now(&unpublished).await;
        }
    }

    async fn claim(&self, id: RunId, algorithm: &AlgorithmId) -> Result<Run, JournalError> {
        let claim = Claim {
            listener: self.listener(algorithm).await?,
            taken: Taken::Direct(id),
            calls: true,
        };
        let claimed = self.journal.claim(vec![claim]).await?;
        let claimed = claimed.into_iter().flatten().next();
        let claimed = claimed.ok_or(JournalError::Closed)?;
        Ok(Run::direct(algorithm, id, claimed.run))
    }

    async fn invoke(
        &self,
        version: &CalledVersion,
        input: &Input,
        run: &mut Run,
        deadline: Instant,
    ) -> Result<(Called, Timing), JournalError> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timed = CalledVersion {
                timeout_ms: version.timeout_ms.min(millis(left)),
                ..version.clone()
            };
            let began = std::time::Instant::now();
            let called = call(&self.endpoints, &timed, input, run).await;
            let timing = Timing {
                began,
                took: began.elapsed(),
            };
            if settlement::judge(&called.answer) != Verdict::Succeeded {
                let failed = failed_call(version, &called, timing);
                self.journal.call_failed(run.key, failed).await?;
            }
            if called.connected || run.attempts >= CONNECTING.max_attempts {
                return Ok((called, timing));
            }
            let wait = backoff(CONNECTING, run.attempts, None, unit(&*self.ids));
            if Instant::now() + wait >= deadline {
                return Ok((called, timing));
            }
            sleep(wait).await;
            run.attempts = self.journal.attempt(run.key).await?;
        }
    }
}

fn draft(version: Version, run: &Run, called: &Called, outputs: &[TopicId]) -> Draft {
    let mut draft = Draft {
        decision: Decision::Succeeded,
        version: Some(version),
        revision: None,
        status: called.answer_status(),
        reason: None,
        reason_text: None,
        failure: None,
        digest: None,
        call: None,
        pending: Pending::Nothing,
    };
    let reason = match settlement::judge(&called.answer) {
        Verdict::Succeeded => {
            draft.digest = called.result.as_deref().map(digest);
            if let Some(body) = called.result.clone()
                && !outputs.is_empty()
            {
                draft.pending = Pending::Result(Publication {
                    outputs: outputs.to_vec(),
                    key: None,
                    traceparent: run.traceparent.clone(),
                    representation: called.representation.clone(),
                    body,
                });
            }
            return draft;
        }
        Verdict::Faulty(reason) | Verdict::Block(reason) => reason,
        Verdict::ExpressionFailed(expression) => expression.reason(),
        Verdict::Retry { .. } | Verdict::Wait { .. } => Reason::AttemptsExhausted,
    };
    // The caller has the error: there is no dead letter.
    draft.fail(Decision::Dropped, reason, called.summary());
    draft
}

fn failed_call(version: &CalledVersion, called: &Called, timing: Timing) -> FailedCall {
    FailedCall {
        timing,
        version: version.version.clone(),
        outcome: AttemptOutcome::of_failure(&called.answer),
        status: called.answer_status(),
        text: called.summary(),
        is_counted: true,
    }
}

fn outcome(duration: Duration, called: Called) -> DirectOutcome {
    let ended = match settlement::judge(&called.answer) {
        Verdict::Succeeded => Ok(DirectResult {
            content_type: called.representation.content_type,
            content_encoding: called.representation.content_encoding,
            body: called.result.unwrap_or_default(),
        }),
        _ => Err(DirectFailure {
            answer: called.answer,
            text: called.text,
            stacktrace: called.stacktrace,
        }),
    };
    DirectOutcome { duration, ended }
}

/// The caller hears that nobody knows, and the next start of the worker decides the run.
fn undecided(id: RunId, error: &JournalError) {
    tracing::error!(
        run.id = %id,
        error = error as &dyn std::error::Error,
        "a direct run could not be written down"
    );
}

/// Rounded up, so that the time of a first call is what the caller asked for.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}
