//! Setting and clearing the dead letter queue of a listener.

use super::{DlqCleared, DlqSet};
use crate::authority::Right;
use crate::broker::Broker;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::ListenerId;
use crate::name::TopicName;
use crate::refusal::Refusal;
use crate::topic::Topic;

/// Send faulty messages to a topic of the same broker. Nothing happens when they go there.
#[derive(Clone, Debug)]
pub struct SetDlq {
    pub listener: ListenerId,
    pub dlq: TopicName,
}

impl Command for SetDlq {
    type State = (Topic, Broker);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.listener.topic)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        vec![StreamName::broker(self.listener.topic.broker)]
    }

    fn requires(&self) -> Right {
        Right::Develop(self.listener.algorithm.organization.clone())
    }

    fn decide(&self, (topic, broker): &Self::State, _ctx: Ctx) -> Decided {
        let listener = topic.listener(&self.listener.algorithm)?;
        broker.check_connected()?;
        check_dlq(&self.listener.topic.topic, &self.dlq, broker)?;
        if listener.dlq.as_ref() == Some(&self.dlq) {
            return Ok(vec![]);
        }
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

/// Refuses a dead letter queue that would feed its own listener or that the broker lacks.
pub(super) fn check_dlq(
    source: &TopicName,
    dlq: &TopicName,
    broker: &Broker,
) -> Result<(), Refusal> {
    if source == dlq {
        return Err(Refusal::DlqIsSourceTopic(dlq.clone()));
    }
    broker.check_topic(dlq, "dlq")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::testing::{dlq_set, given, listener_enabled, listener_id, ready};

    fn set(dlq: &str) -> SetDlq {
        SetDlq {
            listener: listener_id("orders"),
            dlq: dlq.parse().unwrap(),
        }
    }

    fn clear() -> ClearDlq {
        ClearDlq {
            listener: listener_id("orders"),
        }
    }

    #[test]
    fn an_enabled_listener_gets_a_dlq() {
        given(ready())
            .and([listener_enabled("orders", "1.0.0")])
            .when(set("orders-dlq"))
            .then([dlq_set("orders", "orders-dlq")]);
    }

    #[test]
    fn the_present_dlq_is_no_news() {
        given(ready())
            .and([
                listener_enabled("orders", "1.0.0"),
                dlq_set("orders", "orders-dlq"),
            ])
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
