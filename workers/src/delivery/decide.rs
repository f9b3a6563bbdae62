//! Decide: one durable decision per run; a second attempt takes the first one's.

use std::sync::Arc;

use brokers::Message;
use domain::listener::FaultPolicy;
use domain::settlement::Decision;
use domain::{Assignment, RunId};

use super::claim::Run;
use super::invoke::{Finding, Found};
use super::sampled::{self, Call};
use super::{Pipeline, Unsettled, no_dlq};
use crate::crash::Point;
use crate::journal::{Draft, JournalError, Outcome, Pending, Publication, Recorded, digest};

/// The recorded decision, whether `finding` made it or not; none where the run ended so long ago that
/// nothing is kept of it.
pub(super) async fn decide(
    pipeline: &Pipeline,
    message: &Message,
    run: &Run,
    mut finding: Finding,
) -> Result<Option<Box<Recorded>>, Unsettled> {
    let (assignment, call) = (Arc::clone(&finding.assignment), finding.call.take());
    let draft = Arc::new(draft(pipeline, message, run, finding).await?);
    let outcome = pipeline.journal.decide(run.key, Arc::clone(&draft)).await?;
    Point::Decided.pass();
    Ok(match outcome {
        Outcome::Recorded(at) => {
            pipeline.meter.decided(draft.decision);
            Box::pin(keep(pipeline, message, run, &draft, &assignment, call)).await?;
            Some(Box::new(Recorded {
                draft: Arc::unwrap_or_clone(draft),
                finished_at: at,
            }))
        }
        Outcome::Earlier(decision) => Some(decision),
        Outcome::Forgotten => None,
    })
}

/// Keeps a sample of the run, if the listener wants one.
async fn keep(
    pipeline: &Pipeline,
    message: &Message,
    run: &Run,
    draft: &Draft,
    assignment: &Assignment,
    call: Option<Call>,
) -> Result<(), JournalError> {
    // The newest: what is to be hidden by now is hidden.
    let current = pipeline.current();
    let policy = &current.settings.sampling;
    if !sampled::is_wanted(policy, draft.decision) {
        return Ok(());
    }
    let Ok(id) = run.name().parse() else {
        return Ok(());
    };
    let sample = sampled::sample(policy, assignment, message, call, draft.decision);
    pipeline
        .journal
        .keep(run.key, RunId(id), draft, sample)
        .await
}

/// The decision on a finding. A result goes to the publishers of the version that was called, as
/// the assignment of the call lists them.
async fn draft(
    pipeline: &Pipeline,
    message: &Message,
    run: &Run,
    finding: Finding,
) -> Result<Draft, Unsettled> {
    let assignment = &finding.assignment;
    let version = assignment.version.as_ref();
    let mut draft = Draft {
        decision: Decision::Succeeded,
        version: version.map(|version| version.version.clone()),
        revision: Some(assignment.revision),
        status: finding.status,
        reason: None,
        reason_text: None,
        failure: None,
        digest: None,
        call: finding.timing,
        pending: Pending::Nothing,
    };
    match finding.found {
        Found::Result {
            representation,
            body,
        } => {
            draft.digest = body.as_deref().map(digest);
            let outputs = assignment.outputs.decided();
            if let Some(body) = body
                && !outputs.is_empty()
            {
                draft.pending = Pending::Result(Publication {
                    outputs: outputs.to_vec(),
                    key: message.key.clone(),
                    traceparent: run.traceparent.clone(),
                    representation,
                    body,
                });
            }
        }
        Found::Filtered => draft.decision = Decision::Filtered,
        Found::Faulty { reason, text } => {
            let (current, decision) = Box::pin(fate(pipeline)).await?;
            draft.fail(decision, reason, text);
            draft.revision = Some(current.revision);
            if decision == Decision::DeadLettered {
                draft.pending = Pending::DeadLetter;
            }
        }
    }
    Ok(draft)
}

/// What becomes of a faulty message, once it is known: a listener without a dead letter queue may
/// have to wait for one.
async fn fate(pipeline: &Pipeline) -> Result<(Arc<Assignment>, Decision), Unsettled> {
    let known = |assignment: &Arc<Assignment>| match (&assignment.dlq, assignment.settings.faults) {
        (Some(_), _) if assignment.dlq_not_granted => None,
        (Some(_), _) => Some(Decision::DeadLettered),
        (None, FaultPolicy::Drop) => Some(Decision::Dropped),
        (None, FaultPolicy::Block) => None,
    };
    let current = pipeline.current();
    if let Some(decision) = known(&current) {
        return Ok((current, decision));
    }
    let text = "a message is faulty, and there is no dead letter queue to take it";
    let _block = no_dlq(pipeline, &current, text);
    pipeline.until(known).await
}
