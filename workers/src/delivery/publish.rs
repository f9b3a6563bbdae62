//! Publish: the decision's message to everywhere it belongs, until it is there.
//!
//! A result goes to the outputs that were decided with it. One whose publisher was moved to another
//! broker follows it, and one whose publisher is gone is withdrawn. A dead letter goes to the dead
//! letter queue that is set at the time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use brokers::{BrokerError, Delivery, Outgoing};
use domain::settlement::Reason;
use domain::{Assignment, BrokerId, TopicId, TopicName, Version};
use futures_util::future::join_all;

use super::blocks::Block;
use super::claim::Run;
use super::dead_letter::Extent;
use super::result::Origin;
use super::{Pipeline, Unsettled, dead_letter, no_dlq, result, unless_lost};
use crate::control_plane::frame::VersionOutputs;
use crate::crash::Point;
use crate::journal::{OutputEnd, Publication, Recorded};
use crate::pause::Pause;
use crate::publishers::Route;
use crate::sends::{Right, Sending};

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Failures in a row that are worth telling people.
const FAILURES_TO_BLOCK: u32 = 3;

/// Publishes the result of a run to every output that is left.
pub(super) async fn result(
    pipeline: &Pipeline,
    delivery: &Delivery,
    run: &Run,
    decision: &Recorded,
    mut publication: Publication,
) -> Result<(), Unsettled> {
    let Some(version) = &decision.draft.version else {
        // A result has a version; without one nobody could say where it goes.
        return Ok(());
    };
    let mut tries = Tries::new(pipeline);
    loop {
        let (standing, sending) = standing(pipeline, version).await?;
        unless_lost(delivery)?;
        let outputs = std::mem::take(&mut publication.outputs);
        let routes = routes(pipeline, outputs, standing.topics());
        let sends = routes.targets.keys().map(|target| {
            let origin = Origin {
                run: &run.id,
                algorithm: &pipeline.listener.algorithm,
                version,
                listener: Some(pipeline.group),
            };
            let outgoing = result::outgoing(&target.topic, &origin, &publication);
            send(pipeline, target.broker, outgoing)
        });
        sending.to(routes.targets.keys().cloned());
        Point::Publishing.pass();
        let sent = join_all(sends).await;
        drop(sending);
        let failed = sent.iter().any(|sent| match sent {
            Ok(()) | Err(BrokerError::TooLarge(_)) => false,
            Err(_) => true,
        });
        let mut last_error = None;
        for output in routes.gone {
            end(pipeline, run, output, OutputEnd::Withdrawn).await?;
        }
        for ((target, outputs), sent) in routes.targets.into_iter().zip(sent) {
            let ended = match sent {
                // That the last of them are published is noted with the run.
                Ok(()) if !failed => continue,
                Ok(()) => OutputEnd::Published,
                // Size does not pass by waiting, and the run is decided: it has no dead letter.
                Err(BrokerError::TooLarge(_)) => OutputEnd::TooLarge,
                Err(error) => {
                    last_error = Some((target, error));
                    publication.outputs.extend(outputs);
                    continue;
                }
            };
            for output in outputs {
                end(pipeline, run, output, ended).await?;
            }
        }
        let Some((target, error)) = last_error else {
            return Ok(());
        };
        pipeline.journal.hold(run.key).await?;
        tries.failed(&target.topic, &error).await?;
    }
}

/// Publishes a faulty message to the dead letter queue.
pub(super) async fn dead_letter(
    pipeline: &Pipeline,
    delivery: &Delivery,
    run: &Run,
    decision: &Recorded,
) -> Result<(), Unsettled> {
    let mut tries = Tries::new(pipeline);
    let mut extent = Extent::default();
    loop {
        dead_letter_queue(pipeline).await?;
        pipeline.leased().await?;
        let right = Right::Listener(pipeline.assignment.clone(), pipeline.withdrawn.clone());
        let sending = pipeline.sends.begin(right);
        let assignment = pipeline.current();
        let Some(dlq) = assignment.permitted_dlq().cloned() else {
            continue;
        };
        // It may have been withdrawn with the grant or the broker. The message stays where it is, and
        // whoever reads it again finds the decision.
        if pipeline.withdrawn.is_cancelled() {
            return Err(Unsettled::Stopped);
        }
        unless_lost(delivery)?;
        let message = &delivery.message;
        let outgoing = dead_letter::outgoing(&dlq, &assignment, message, run, decision, extent);
        let broker = assignment.listener.topic.broker;
        sending.to([assignment.listener.topic.sibling(&dlq)]);
        Point::DeadLettering.pass();
        let sent = send(pipeline, broker, outgoing).await;
        drop(sending);
        match (sent, extent.smaller()) {
            (Ok(()), _) => {
                let topic = TopicId { broker, topic: dlq };
                return Ok(pipeline.journal.dead_lettered(run.key, topic).await?);
            }
            (Err(BrokerError::TooLarge(_)), Some(smaller)) => extent = smaller,
            (Err(error), _) => tries.failed(&dlq, &error).await?,
        }
    }
}

/// Where recorded outputs are published now.
struct Routes {
    /// The topics, each with the outputs that lead there.
    targets: BTreeMap<TopicId, Vec<TopicId>>,
    gone: Vec<TopicId>,
}

fn routes(pipeline: &Pipeline, outputs: Vec<TopicId>, standing: &[TopicId]) -> Routes {
    let mut routes = Routes {
        targets: BTreeMap::new(),
        gone: Vec::new(),
    };
    for output in outputs {
        let took_over = |broker, earlier| pipeline.connections.replaced(broker, earlier);
        match Route::of(&output, standing, took_over) {
            Route::To(target) => routes.targets.entry(target).or_default().push(output),
            Route::Gone => routes.gone.push(output),
        }
    }
    routes
}

/// The publishers of a version that stand now.
enum Standing {
    /// Those of the assignment, which has that version.
    Assigned(Arc<Assignment>),
    Asked(Arc<VersionOutputs>),
}

impl Standing {
    fn topics(&self) -> &[TopicId] {
        let outputs = match self {
            Self::Assigned(assignment) => &assignment.outputs,
            Self::Asked(asked) => &asked.outputs,
        };
        outputs.known().unwrap_or_default()
    }
}

/// The publishers of a version, once none of them is being moved, and the note that a result is being
/// written to them.
async fn standing<'p>(
    pipeline: &'p Pipeline,
    version: &Version,
) -> Result<(Standing, Sending<'p>), Unsettled> {
    let mut pause = Pause::new(FIRST_PAUSE, LONGEST_PAUSE);
    let algorithm = &pipeline.algorithm;
    loop {
        pipeline.leased().await?;
        let right = Right::Publishers(Arc::clone(algorithm), version.clone());
        let sending = pipeline.sends.begin(right);
        // What was assigned last may not be so any more where the assignment is withdrawn.
        let current = pipeline.current();
        if !pipeline.withdrawn.is_cancelled() && is_of(&current, version) {
            if current.outputs.known().is_some() {
                return Ok((Standing::Assigned(current), sending));
            }
            drop(sending);
            let has_changed = |current: &Arc<Assignment>| {
                let is_known = !is_of(current, version) || current.outputs.known().is_some();
                is_known.then_some(())
            };
            pipeline.until(has_changed).await?;
            continue;
        }
        match pipeline.publishers.now(algorithm, version).await {
            Ok(asked) if asked.outputs.known().is_some() => {
                pipeline.connections.learn(asked.brokers.clone());
                return Ok((Standing::Asked(asked), sending));
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, %version, "the publishers of a version are not known");
            }
        }
        drop(sending);
        pipeline.pause(pause.failed(&*pipeline.ids)).await?;
    }
}

/// Whether an assignment is of that version.
fn is_of(assignment: &Assignment, version: &Version) -> bool {
    let called = assignment.version.as_ref();
    called.is_some_and(|called| called.version == *version)
}

/// Notes how an output ended.
async fn end(
    pipeline: &Pipeline,
    run: &Run,
    output: TopicId,
    end: OutputEnd,
) -> Result<(), Unsettled> {
    if end == OutputEnd::TooLarge {
        tracing::error!(
            run.id = %String::from_utf8_lossy(&run.id),
            topic = %output,
            "a result is too large for its topic and was not published"
        );
    }
    Ok(pipeline.journal.end_output(run.key, output, end).await?)
}

async fn send(
    pipeline: &Pipeline,
    broker: BrokerId,
    outgoing: Outgoing,
) -> Result<(), BrokerError> {
    pipeline.connections.of(broker)?.publish(outgoing).await
}

/// Waits for a dead letter queue where it was cleared, or its grant revoked, after the decision.
async fn dead_letter_queue(pipeline: &Pipeline) -> Result<(), Unsettled> {
    let current = pipeline.current();
    if current.permitted_dlq().is_some() {
        return Ok(());
    }
    let text = "a dead letter is to be published, and the dead letter queue was cleared";
    let _block = no_dlq(pipeline, &current, text);
    let is_there = pipeline.until(|assignment| assignment.permitted_dlq().map(drop));
    is_there.await.map(drop)
}

/// The failed tries of one message, and the block that comes of many.
struct Tries<'p> {
    pipeline: &'p Pipeline,
    pause: Pause,
    block: Option<Block>,
}

impl<'p> Tries<'p> {
    fn new(pipeline: &'p Pipeline) -> Self {
        Self {
            pipeline,
            pause: Pause::new(FIRST_PAUSE, LONGEST_PAUSE),
            block: None,
        }
    }

    /// Notes a failure and waits.
    async fn failed(&mut self, topic: &TopicName, error: &BrokerError) -> Result<(), Unsettled> {
        let wait = self.pause.failed(&*self.pipeline.ids);
        if self.pause.failures() >= FAILURES_TO_BLOCK && self.block.is_none() {
            let text = format!("the topic {topic} does not take messages: {error}");
            let block = self.pipeline.blocks.enter(Reason::TopicUnavailable, &text);
            self.block = Some(block);
        }
        self.pipeline.pause(wait).await
    }
}
