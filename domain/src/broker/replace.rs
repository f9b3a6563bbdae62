//! Replacing a broker by another.

use std::collections::BTreeMap;

use super::{Broker, BrokerReplaced, Phase};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided, Each};
use crate::envelope::StreamName;
use crate::ids::{BrokerId, TopicId};
use crate::listener::StartPosition;
use crate::name::TopicName;
use crate::refusal::Refusal;
use crate::replacement::preview;
use crate::topic::Topic;

/// The most topics in use of one broker that can be replaced at once.
const MOST_TOPICS: usize = 10_000;

/// How many bytes the names of the topics that are left behind may take in the event.
const MOST_LEFT_BYTES: usize = 256 * 1024;

/// End a broker and have another of the same kind take over what uses it. A policy then
/// moves it, topic by topic; nothing more is consumed from the old broker.
#[derive(Clone, Debug)]
pub struct ReplaceBroker {
    pub broker: BrokerId,
    pub replacement: BrokerId,
    /// The topics that are in use, as far as the caller knows. What uses others
    /// moves too, if the replacement has them.
    pub topics: Vec<TopicName>,
    /// Continue where the replacement lacks topics: what uses those ends.
    pub leave_missing: bool,
    /// Where listeners begin on the new broker, if not where each was told to begin.
    pub start: Option<StartPosition>,
}

impl Command for ReplaceBroker {
    type State = (Each<Broker>, Each<Topic>);

    fn stream(&self) -> StreamName {
        StreamName::broker(self.broker)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        let topics = self.topics.iter().take(MOST_TOPICS + 1);
        let topics = topics.map(|topic| StreamName::topic(&self.old(topic)));
        std::iter::once(StreamName::broker(self.replacement))
            .chain(topics)
            .collect()
    }

    fn requires(&self) -> Right {
        Right::AdministerCluster
    }

    fn decide(&self, (brokers, topics): &Self::State, _ctx: Ctx) -> Decided {
        let present = brokers.get(&self.broker);
        let replacement = brokers.get(&self.replacement);
        present.check_connected()?;
        if self.broker == self.replacement || replacement.phase != Phase::Connected {
            return Err(Refusal::ReplacementGone);
        }
        if let (Some(old), Some(new)) = (&present.settings, &replacement.settings)
            && old.kind() != new.kind()
        {
            return Err(Refusal::ReplacementOfAnotherKind {
                present: old.kind(),
                replacement: new.kind(),
            });
        }
        replacement.check_start(self.start, "start")?;
        if self.topics.len() > MOST_TOPICS {
            return Err(Refusal::OutOfRange {
                field: "topics",
                rule: "at most 10000",
            });
        }
        let hanging: BTreeMap<TopicName, Topic> = self
            .topics
            .iter()
            .map(|name| (name.clone(), topics.get(&self.old(name)).clone()))
            .collect();
        let missing = preview(&hanging, replacement).missing;
        let missing: Vec<TopicName> = missing.into_iter().map(|m| m.topic).collect();
        if !missing.is_empty() && !self.leave_missing {
            return Err(Refusal::TopicsMissing { topics: missing });
        }
        let bytes = missing.iter().map(|name| name.as_str().len() + 3).sum();
        if bytes > MOST_LEFT_BYTES {
            return Err(Refusal::TooLarge {
                field: "leaveMissing",
                bytes,
                most: MOST_LEFT_BYTES,
            });
        }
        Ok(vec![
            BrokerReplaced {
                broker: self.broker,
                replacement: self.replacement,
                left_behind: missing,
                start: self.start,
            }
            .into(),
        ])
    }
}

impl ReplaceBroker {
    fn old(&self, topic: &TopicName) -> TopicId {
        TopicId {
            broker: self.broker,
            topic: topic.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::BrokerKind;
    use crate::event::Event;
    use crate::grant::Access;
    use crate::testing::{
        broker_connected, broker_disconnected, broker_id, given, granted, listener_enabled,
        queues_connected, ready, topics_gained,
    };

    fn replace() -> ReplaceBroker {
        ReplaceBroker {
            broker: broker_id("main"),
            replacement: broker_id("next"),
            topics: vec!["orders".parse().unwrap(), "scores".parse().unwrap()],
            leave_missing: false,
            start: Some(StartPosition::Latest),
        }
    }

    fn next(topics: &[&str]) -> Vec<Event> {
        vec![broker_connected("next"), topics_gained("next", topics)]
    }

    fn replaced(left_behind: &[&str]) -> Event {
        BrokerReplaced {
            broker: broker_id("main"),
            replacement: broker_id("next"),
            left_behind: left_behind.iter().map(|t| t.parse().unwrap()).collect(),
            start: Some(StartPosition::Latest),
        }
        .into()
    }

    #[test]
    fn a_broker_that_has_the_topics_takes_over() {
        given(ready())
            .and([granted("orders", Access::Subscribe)])
            .and(next(&["orders"]))
            .when(replace())
            .then([replaced(&[])]);
    }

    #[test]
    fn missing_topics_are_refused_unless_they_are_left_behind() {
        let hanging = || {
            given(ready())
                .and([
                    granted("orders", Access::Subscribe),
                    granted("scores", Access::Publish),
                ])
                .and(next(&["orders"]))
        };
        hanging()
            .when(replace())
            .then_refused(Refusal::TopicsMissing {
                topics: vec!["scores".parse().unwrap()],
            });
        let anyway = ReplaceBroker {
            leave_missing: true,
            ..replace()
        };
        hanging().when(anyway).then([replaced(&["scores"])]);
    }

    #[test]
    fn a_broker_that_is_gone_is_not_replaced_and_replaces_nothing() {
        given(ready())
            .and(next(&[]))
            .and([broker_disconnected("main")])
            .when(replace())
            .then_refused(Refusal::BrokerGone);
        given(ready())
            .and(next(&[]))
            .and([broker_disconnected("next")])
            .when(replace())
            .then_refused(Refusal::ReplacementGone);
        given(ready())
            .and(next(&[]))
            .and([replaced(&[])])
            .when(replace())
            .then_refused(Refusal::BrokerGone);
    }

    #[test]
    fn a_broker_does_not_replace_itself() {
        let own = ReplaceBroker {
            replacement: broker_id("main"),
            ..replace()
        };
        given(ready())
            .when(own)
            .then_refused(Refusal::ReplacementGone);
    }

    #[test]
    fn a_broker_of_another_kind_is_refused() {
        given(ready())
            .and([queues_connected("next")])
            .when(replace())
            .then_refused(Refusal::ReplacementOfAnotherKind {
                present: BrokerKind::Kafka,
                replacement: BrokerKind::Sqs,
            });
    }

    #[test]
    fn listeners_of_queues_begin_nowhere() {
        let queues = || given([queues_connected("main"), queues_connected("next")]);
        queues()
            .when(replace())
            .then_refused(Refusal::NothingToStartAt {
                kind: BrokerKind::Sqs,
                field: "start",
            });
        let without = ReplaceBroker {
            start: None,
            ..replace()
        };
        let replaced = BrokerReplaced {
            broker: broker_id("main"),
            replacement: broker_id("next"),
            left_behind: vec![],
            start: None,
        };
        queues().when(without).then([replaced.into()]);
    }

    #[test]
    fn too_many_topics_are_refused() {
        let many = ReplaceBroker {
            topics: vec!["orders".parse().unwrap(); MOST_TOPICS + 1],
            ..replace()
        };
        given(ready())
            .and(next(&[]))
            .when(many)
            .then_refused(Refusal::OutOfRange {
                field: "topics",
                rule: "at most 10000",
            });
    }

    #[test]
    fn more_names_left_behind_than_fit_an_event_are_refused_with_their_size() {
        let names: Vec<String> = (0..1_000).map(|n| format!("{n:0>300}")).collect();
        let enabled = names.iter().map(|name| listener_enabled(name, "1.0.0"));
        let many = ReplaceBroker {
            topics: names.iter().map(|name| name.parse().unwrap()).collect(),
            leave_missing: true,
            ..replace()
        };
        given(ready())
            .and(enabled)
            .and(next(&[]))
            .when(many)
            .then_refused(Refusal::TooLarge {
                field: "leaveMissing",
                bytes: 1_000 * (300 + 3),
                most: MOST_LEFT_BYTES,
            });
    }
}
