//! Which topics may take the faulty messages of a listener.

use crate::broker::Broker;
use crate::command::Each;
use crate::envelope::StreamName;
use crate::ids::ListenerId;
use crate::name::TopicName;
use crate::refusal::Refusal;
use crate::topic::Topic;

/// The stream that tells whether `dlq` may take faulty messages; none for the topic that the listener
/// reads, which is refused, and whose stream is read anyway.
pub(super) fn dlq_stream(listener: &ListenerId, dlq: &TopicName) -> Option<StreamName> {
    let queue = listener.topic.sibling(dlq);
    (queue != listener.topic).then(|| StreamName::topic(&queue))
}

/// Refuses a dead letter queue that would feed its own listener, that the broker lacks, or that the
/// algorithm is not permitted to send faulty messages to.
pub(super) fn check_dlq(
    listener: &ListenerId,
    dlq: &TopicName,
    topics: &Each<Topic>,
    broker: &Broker,
) -> Result<(), Refusal> {
    let ListenerId { topic, algorithm } = listener;
    if topic.topic == *dlq {
        return Err(Refusal::DlqIsSourceTopic(dlq.clone()));
    }
    broker.check_topic(dlq, "dlq")?;
    let queue = topic.sibling(dlq);
    if topics
        .get(&queue)
        .permits_dead_letters(dlq, algorithm, broker)
    {
        return Ok(());
    }
    Err(Refusal::DlqNotGranted {
        topic: queue,
        algorithm: algorithm.clone(),
    })
}
