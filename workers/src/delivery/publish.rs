//! Publish: the decision's message to everywhere it belongs, until it is there.
//!
//! A result goes to the outputs of the version that ran: as the current assignment lists them while
//! it still resolves to that version, so that a publisher disabled meanwhile gets no more; otherwise
//! as the assignment listed them that the call was made under. After a restart only the current
//! assignment is known. While a publisher is being moved to another broker, the result waits. A dead
//! letter goes to the dead letter queue that is set at the time.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use brokers::{BrokerError, Message, Outgoing};
use domain::settlement::Reason;
use domain::{Assignment, BrokerId, TopicId, TopicName};
use futures_util::future::join_all;

use super::blocks::Block;
use super::claim::Run;
use super::dead_letter::Extent;
use super::result::Origin;
use super::{Pipeline, Unsettled, dead_letter, no_dlq, result};
use crate::journal::Recorded;
use crate::pause::Pause;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Failures in a row that are worth telling people.
const FAILURES_TO_BLOCK: u32 = 3;

/// Publishes the result of a run to every output.
pub(super) async fn result(
    pipeline: &Pipeline,
    message: &Message,
    run: &Run,
    decision: Recorded,
    called_under: Option<Arc<Assignment>>,
) -> Result<(), Unsettled> {
    let mut tries = Tries::new(pipeline);
    let mut done: HashSet<TopicId> = HashSet::new();
    loop {
        let known =
            |current: &Arc<Assignment>| outputs_of(current, &decision, called_under.as_ref());
        let (assignment, listed) = pipeline.until(known).await?;
        let outputs = listed.outputs.known().unwrap_or_default();
        let left: Vec<_> = outputs
            .iter()
            .filter(|topic| !done.contains(topic))
            .collect();
        let writes = left.iter().map(|output| {
            let origin = Origin {
                algorithm: &assignment.listener.algorithm,
                listener: Some(assignment.group),
                key: message.key.as_ref(),
            };
            let outgoing = result::outgoing(&output.topic, &origin, run, &decision);
            send(pipeline, output.broker, outgoing)
        });
        let written = join_all(writes).await;
        let mut failed = None;
        for (output, written) in left.iter().zip(&written) {
            match written {
                // Size does not pass by waiting, and the run is decided: it has no dead letter.
                Err(error @ BrokerError::TooLarge(_)) => given_up(run, output, error),
                Err(error) => failed = Some((output, error)),
                Ok(()) => {}
            }
        }
        let Some((output, error)) = failed else {
            return Ok(());
        };
        let succeeded = left
            .iter()
            .zip(&written)
            .filter(|(_, written)| matches!(written, Ok(()) | Err(BrokerError::TooLarge(_))));
        done.extend(succeeded.map(|(output, _)| TopicId::clone(output)));
        tries.failed(&output.topic, error).await?;
    }
}

/// Publishes a faulty message to the dead letter queue.
pub(super) async fn dead_letter(
    pipeline: &Pipeline,
    message: &Message,
    run: &Run,
    decision: &Recorded,
) -> Result<(), Unsettled> {
    let mut tries = Tries::new(pipeline);
    let mut extent = Extent::default();
    loop {
        let (assignment, dlq) = dead_letter_queue(pipeline).await?;
        let outgoing = dead_letter::outgoing(&dlq, &assignment, message, run, decision, extent);
        let broker = assignment.listener.topic.broker;
        match (send(pipeline, broker, outgoing).await, extent.smaller()) {
            (Ok(()), _) => return Ok(()),
            (Err(BrokerError::TooLarge(_)), Some(smaller)) => extent = smaller,
            (Err(error), _) => tries.failed(&dlq, &error).await?,
        }
    }
}

fn given_up(run: &Run, output: &TopicId, error: &BrokerError) {
    tracing::error!(
        run.id = %String::from_utf8_lossy(&run.id),
        topic = %output,
        %error,
        "a result is too large for its topic and was not published"
    );
}

/// The assignment that lists where the result of the version that was called goes; none while a
/// publisher is being moved.
fn outputs_of(
    current: &Arc<Assignment>,
    decision: &Recorded,
    called_under: Option<&Arc<Assignment>>,
) -> Option<Arc<Assignment>> {
    let version = current.version.as_ref().map(|version| &version.version);
    let assignment = match called_under {
        Some(earlier) if version != decision.version.as_ref() => earlier,
        _ => current,
    };
    assignment.outputs.known()?;
    Some(Arc::clone(assignment))
}

async fn send(
    pipeline: &Pipeline,
    broker: BrokerId,
    outgoing: Outgoing,
) -> Result<(), BrokerError> {
    pipeline.connections.of(broker)?.publish(outgoing).await
}

/// The dead letter queue, waited for where it was cleared, or its grant revoked, after the decision.
async fn dead_letter_queue(pipeline: &Pipeline) -> Result<(Arc<Assignment>, TopicName), Unsettled> {
    let current = pipeline.current();
    if let Some(dlq) = current.permitted_dlq().cloned() {
        return Ok((current, dlq));
    }
    let text = "a dead letter is to be published, and the dead letter queue was cleared";
    let _block = no_dlq(pipeline, &current, text);
    pipeline
        .until(|assignment| assignment.permitted_dlq().cloned())
        .await
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
