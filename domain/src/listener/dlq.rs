//! Setting and clearing the dead letter queue of a listener.

use super::{DlqCleared, DlqSet};
use crate::authority::Right;
use crate::broker::Broker;
use crate::command::{Command, Ctx, Decided, Each};
use crate::envelope::StreamName;
use crate::flow::{Flow, Flows};
use crate::ids::ListenerId;
use crate::name::TopicName;
use crate::refusal::Refusal;
use crate::topic::Topic;

/// Send faulty messages to a topic of the same broker, under a DEAD_LETTER or PUBLISH grant.
/// Nothing happens when they go there already.
#[derive(Clone, Debug)]
pub struct SetDlq {
    pub listener: ListenerId,
    pub dlq: TopicName,
    /// The flows that are enabled now, as far as the caller knows.
    pub flows: Flows,
    /// Set it although it closes a cycle.
    pub allow_cycle: bool,
}

impl Command for SetDlq {
    type State = (Each<Topic>, Broker);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.listener.topic)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        let broker = StreamName::broker(self.listener.topic.broker);
        let dlq = dlq_stream(&self.listener, &self.dlq);
        [broker].into_iter().chain(dlq).collect()
    }

    fn requires(&self) -> Right {
        Right::Develop(self.listener.algorithm.organization.clone())
    }

    fn decide(&self, (topics, broker): &Self::State, _ctx: Ctx) -> Decided {
        let topic = topics.get(&self.listener.topic);
        let listener = topic.listener(&self.listener.algorithm)?;
        broker.check_connected()?;
        check_dlq(&self.listener, &self.dlq, topics, broker)?;
        if listener.dlq.as_ref() == Some(&self.dlq) {
            return Ok(vec![]);
        }
        let flow = Flow::DeadLetters {
            listener: self.listener.clone(),
            dlq: self.dlq.clone(),
        };
        self.flows.check(&flow, self.allow_cycle)?;
        Ok(vec![
            DlqSet {
                listener: self.listener.clone(),
                dlq: self.dlq.clone(),
            }
            .into(),
        ])
    }
}

/// Have no dead letter queue. Nothing happens when there is none.
#[derive(Clone, Debug)]
pub struct ClearDlq {
    pub listener: ListenerId,
}

impl Command for ClearDlq {
    type State = Topic;

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.listener.topic)
    }

    fn requires(&self) -> Right {
        Right::Develop(self.listener.algorithm.organization.clone())
    }

    fn decide(&self, topic: &Topic, _ctx: Ctx) -> Decided {
        let listener = topic.listener(&self.listener.algorithm)?;
        if listener.dlq.is_none() {
            return Ok(vec![]);
        }
        Ok(vec![
            DlqCleared {
                listener: self.listener.clone(),
            }
            .into(),
        ])
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::grant::Access;
    use crate::testing::{
        dlq_set, given, granted, listener_enabled, listener_id, pattern_granted, publisher_id,
        ready, topic_id,
    };

    fn set(dlq: &str) -> SetDlq {
        SetDlq {
            listener: listener_id("orders"),
            dlq: dlq.parse().unwrap(),
            flows: Flows::default(),
            allow_cycle: false,
        }
    }

    fn enabled() -> Vec<Event> {
        let mut events = ready();
        events.push(granted("orders-dlq", Access::DeadLetter));
        events.push(listener_enabled("orders", "1.0.0"));
        events
    }

    fn clear() -> ClearDlq {
        ClearDlq {
            listener: listener_id("orders"),
        }
    }

    #[test]
    fn an_enabled_listener_gets_a_dlq() {
        given(enabled())
            .when(set("orders-dlq"))
            .then([dlq_set("orders", "orders-dlq")]);
    }

    #[test]
    fn a_dlq_needs_a_grant_to_dead_letter_or_to_publish() {
        let refused = Refusal::DlqNotGranted {
            topic: topic_id("orders-dlq"),
            algorithm: "acme/score".parse().unwrap(),
        };
        for insufficient in [
            granted("orders", Access::DeadLetter),
            granted("orders-dlq", Access::Subscribe),
            pattern_granted("scores*", Access::Publish),
        ] {
            given(ready())
                .and([listener_enabled("orders", "1.0.0"), insufficient])
                .when(set("orders-dlq"))
                .then_refused(refused.clone());
        }
        for sufficient in [
            granted("orders-dlq", Access::DeadLetter),
            granted("orders-dlq", Access::Publish),
            pattern_granted("*-dlq", Access::DeadLetter),
            pattern_granted("*-dlq", Access::Publish),
        ] {
            given(ready())
                .and([listener_enabled("orders", "1.0.0"), sufficient])
                .when(set("orders-dlq"))
                .then([dlq_set("orders", "orders-dlq")]);
        }
    }

    #[test]
    fn dead_letters_that_come_back_are_refused_unless_that_is_allowed() {
        let closing = SetDlq {
            flows: Flows::from_iter([
                Flow::Listener(listener_id("orders-dlq")),
                Flow::Publisher(publisher_id("orders")),
            ]),
            ..set("orders-dlq")
        };
        let flow = Flow::DeadLetters {
            listener: closing.listener.clone(),
            dlq: closing.dlq.clone(),
        };
        let path = closing.flows.cycle(&flow).unwrap();
        assert_eq!(
            path.to_string(),
            "orders → orders-dlq → acme/score → orders"
        );
        given(enabled())
            .when(closing.clone())
            .then_refused(Refusal::FlowCycle { path });
        let allowed = SetDlq {
            allow_cycle: true,
            ..closing
        };
        given(enabled())
            .when(allowed)
            .then([dlq_set("orders", "orders-dlq")]);
    }

    #[test]
    fn the_present_dlq_is_no_news() {
        given(enabled())
            .and([dlq_set("orders", "orders-dlq")])
            .when(set("orders-dlq"))
            .then([]);
    }

    #[test]
    fn the_source_topic_and_absent_topics_are_refused() {
        given(ready())
            .and([listener_enabled("orders", "1.0.0")])
            .when(set("orders"))
            .then_refused(Refusal::DlqIsSourceTopic("orders".parse().unwrap()));
        given(ready())
            .and([listener_enabled("orders", "1.0.0")])
            .when(set("absent"))
            .then_refused(Refusal::UnknownTopic("absent".parse().unwrap()));
    }

    #[test]
    fn a_dlq_is_cleared_once() {
        let cleared = Event::from(DlqCleared {
            listener: listener_id("orders"),
        });
        given([
            listener_enabled("orders", "1.0.0"),
            dlq_set("orders", "orders-dlq"),
        ])
        .when(clear())
        .then([cleared.clone()]);
        given([listener_enabled("orders", "1.0.0"), cleared])
            .when(clear())
            .then([]);
    }

    #[test]
    fn a_disabled_listener_is_refused() {
        given(ready())
            .when(set("orders-dlq"))
            .then_refused(Refusal::ListenerNotEnabled);
        given([])
            .when(clear())
            .then_refused(Refusal::ListenerNotEnabled);
    }
}
