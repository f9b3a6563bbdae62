//! Ending what uses a broker that has ended. A policy's commands, each with its cause.

use crate::authority::Right;
use crate::broker::{Broker, Phase};
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::event::Event;
use crate::grant::{TopicPatternRevoked, TopicRevoked};
use crate::ids::{BrokerId, EventId, ListenerId, PublisherId, TopicId};
use crate::listener::ListenerDisabled;
use crate::publisher::PublisherDisabled;
use crate::topic::Topic;

/// End every listener, publisher and grant of a topic. Nothing happens while its broker is
/// connected.
#[derive(Clone, Debug)]
pub struct EndTopic {
    pub topic: TopicId,
    /// The event that the policy answers by it.
    pub cause: EventId,
}

impl Command for EndTopic {
    type State = (Topic, Broker);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.topic)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        vec![StreamName::broker(self.topic.broker)]
    }

    fn requires(&self) -> Right {
        Right::Answer
    }

    fn decide(&self, (topic, broker): &Self::State, _ctx: Ctx) -> Decided {
        if broker.phase != Phase::Ended {
            return Ok(vec![]);
        }
        let cause = Some(self.cause);
        let listeners = topic.listeners.keys().map(|algorithm| {
            let listener = ListenerId {
                topic: self.topic.clone(),
                algorithm: algorithm.clone(),
            };
            Event::from(ListenerDisabled { listener, cause })
        });
        let publishers = topic.publishers.keys().map(|algorithm| {
            let publisher = PublisherId {
                topic: self.topic.clone(),
                algorithm: algorithm.clone(),
            };
            Event::from(PublisherDisabled { publisher, cause })
        });
        let grants = topic.grants.iter().map(|permission| {
            Event::from(TopicRevoked {
                topic: self.topic.clone(),
                permission: permission.clone(),
                cause,
            })
        });
        Ok(listeners.chain(publishers).chain(grants).collect())
    }
}

/// End every pattern grant of a broker. Nothing happens while it is connected.
#[derive(Clone, Debug)]
pub struct EndPatterns {
    pub broker: BrokerId,
    /// The event that the policy answers by it.
    pub cause: EventId,
}

impl Command for EndPatterns {
    type State = Broker;

    fn stream(&self) -> StreamName {
        StreamName::broker(self.broker)
    }

    fn requires(&self) -> Right {
        Right::Answer
    }

    fn decide(&self, broker: &Broker, _ctx: Ctx) -> Decided {
        if broker.phase != Phase::Ended {
            return Ok(vec![]);
        }
        let revoked = broker.patterns.iter().map(|(pattern, permission)| {
            TopicPatternRevoked {
                broker: self.broker,
                pattern: pattern.clone(),
                permission: permission.clone(),
                cause: Some(self.cause),
            }
            .into()
        });
        Ok(revoked.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::Access;
    use crate::testing::{
        CAUSE, broker_disconnected, broker_id, given, granted, listener_enabled, listener_id,
        pattern_granted, publisher_enabled, publisher_id, ready, to_score, topic_id,
    };

    fn end_topic() -> EndTopic {
        EndTopic {
            topic: topic_id("orders"),
            cause: CAUSE,
        }
    }

    fn end_patterns() -> EndPatterns {
        EndPatterns {
            broker: broker_id("main"),
            cause: CAUSE,
        }
    }

    fn hanging() -> Vec<Event> {
        let mut events = ready();
        events.extend([
            granted("orders", Access::Subscribe),
            listener_enabled("orders", "1.*"),
            publisher_enabled("orders", "1.*"),
            pattern_granted("ord*", Access::Publish),
        ]);
        events
    }

    #[test]
    fn everything_on_a_topic_ends_with_its_broker() {
        let cause = Some(CAUSE);
        given(hanging())
            .and([broker_disconnected("main")])
            .when(end_topic())
            .then([
                Event::from(ListenerDisabled {
                    listener: listener_id("orders"),
                    cause,
                }),
                Event::from(PublisherDisabled {
                    publisher: publisher_id("orders"),
                    cause,
                }),
                Event::from(TopicRevoked {
                    topic: topic_id("orders"),
                    permission: to_score(Access::Subscribe),
                    cause,
                }),
            ]);
    }

    #[test]
    fn pattern_grants_end_with_their_broker() {
        given(hanging())
            .and([broker_disconnected("main")])
            .when(end_patterns())
            .then([Event::from(TopicPatternRevoked {
                broker: broker_id("main"),
                pattern: "ord*".parse().unwrap(),
                permission: to_score(Access::Publish),
                cause: Some(CAUSE),
            })]);
    }

    #[test]
    fn nothing_ends_while_the_broker_is_connected() {
        given(hanging()).when(end_topic()).then([]);
        given(hanging()).when(end_patterns()).then([]);
    }
}
