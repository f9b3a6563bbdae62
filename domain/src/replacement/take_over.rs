//! Taking over what used a replaced broker. A policy's commands, each with its cause.

use super::preview::missing_dlq;
use crate::authority::Right;
use crate::broker::{Broker, Phase};
use crate::command::{Command, Ctx, Decided, Each};
use crate::envelope::StreamName;
use crate::event::Event;
use crate::grant::{Access, TopicGranted, TopicPatternGranted};
use crate::ids::{AlgorithmId, BrokerId, EventId, ListenerId, PublisherId, TopicId};
use crate::listener::{DlqSet, ListenerEnabled, ListenerPaused, StartPosition};
use crate::name::TopicName;
use crate::publisher::PublisherEnabled;
use crate::topic::{EnabledListener, Topic};

/// Give a topic what uses the topic of the same name on a replaced broker: grants, then
/// listeners and publishers that they permit, as they are there. What the topic has already
/// stays as it is. Nothing happens while the old broker is connected, or where the new one is not or
/// lacks the topic.
#[derive(Clone, Debug)]
pub struct TakeOverTopic {
    pub topic: TopicName,
    pub from: BrokerId,
    pub to: BrokerId,
    /// Where listeners begin, if not where each was told to begin.
    pub start: Option<StartPosition>,
    /// The event that the policy answers by it.
    pub cause: EventId,
}

impl Command for TakeOverTopic {
    type State = (Each<Broker>, Each<Topic>);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.on(self.to))
    }

    fn also_reads(&self) -> Vec<StreamName> {
        vec![
            StreamName::broker(self.from),
            StreamName::broker(self.to),
            StreamName::topic(&self.on(self.from)),
        ]
    }

    fn requires(&self) -> Right {
        Right::Answer
    }

    fn decide(&self, (brokers, topics): &Self::State, _ctx: Ctx) -> Decided {
        let to = brokers.get(&self.to);
        let replaced = brokers.get(&self.from).replaced_by.is_some();
        if !replaced || to.phase != Phase::Connected || !to.topics.contains_key(&self.topic) {
            return Ok(vec![]);
        }
        let old = topics.get(&self.on(self.from));
        let mut new = topics.get(&self.on(self.to)).clone();
        let mut events = Vec::new();
        for permission in &old.grants {
            if new.grants.insert(permission.clone()) {
                let granted = TopicGranted {
                    topic: self.on(self.to),
                    permission: permission.clone(),
                    cause: Some(self.cause),
                };
                events.push(granted.into());
            }
        }
        for (algorithm, listener) in &old.listeners {
            if !new.listeners.contains_key(algorithm)
                && new.permits(&self.topic, algorithm, Access::Subscribe, to)
                && missing_dlq(listener, to).is_none()
            {
                events.extend(self.enabled(algorithm, listener));
            }
        }
        for (algorithm, version) in &old.publishers {
            if !new.publishers.contains_key(algorithm)
                && new.permits(&self.topic, algorithm, Access::Publish, to)
            {
                let enabled = PublisherEnabled {
                    publisher: PublisherId {
                        topic: self.on(self.to),
                        algorithm: algorithm.clone(),
                    },
                    version: version.clone(),
                    cause: Some(self.cause),
                };
                events.push(enabled.into());
            }
        }
        Ok(events)
    }
}

impl TakeOverTopic {
    fn on(&self, broker: BrokerId) -> TopicId {
        TopicId {
            broker,
            topic: self.topic.clone(),
        }
    }

    /// A listener as it was, on the new topic.
    fn enabled(&self, algorithm: &AlgorithmId, listener: &EnabledListener) -> Vec<Event> {
        let id = ListenerId {
            topic: self.on(self.to),
            algorithm: algorithm.clone(),
        };
        let mut settings = listener.settings.clone();
        settings.start = self.start.or(settings.start);
        let mut events = vec![
            ListenerEnabled {
                listener: id.clone(),
                version: listener.version.clone(),
                settings,
                cause: Some(self.cause),
            }
            .into(),
        ];
        if let Some(dlq) = &listener.dlq {
            let set = DlqSet {
                listener: id.clone(),
                dlq: dlq.clone(),
            };
            events.push(set.into());
        }
        if listener.paused {
            events.push(ListenerPaused { listener: id }.into());
        }
        events
    }
}

/// Give a broker the pattern grants of a replaced one. Nothing happens while the old one is
/// connected or where the new one is not.
#[derive(Clone, Debug)]
pub struct TakeOverPatterns {
    pub from: BrokerId,
    pub to: BrokerId,
    /// The event that the policy answers by it.
    pub cause: EventId,
}

impl Command for TakeOverPatterns {
    type State = Each<Broker>;

    fn stream(&self) -> StreamName {
        StreamName::broker(self.to)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        vec![StreamName::broker(self.from)]
    }

    fn requires(&self) -> Right {
        Right::Answer
    }

    fn decide(&self, brokers: &Self::State, _ctx: Ctx) -> Decided {
        let (from, to) = (brokers.get(&self.from), brokers.get(&self.to));
        if from.replaced_by.is_none() || to.phase != Phase::Connected {
            return Ok(vec![]);
        }
        let granted = from
            .patterns
            .difference(&to.patterns)
            .map(|(pattern, permission)| {
                TopicPatternGranted {
                    broker: self.to,
                    pattern: pattern.clone(),
                    permission: permission.clone(),
                    cause: Some(self.cause),
                }
                .into()
            });
        Ok(granted.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::ListenerSettings;
    use crate::testing::{
        CAUSE, broker_connected, broker_disconnected, broker_id, broker_replaced, dlq_set, given,
        granted, listener_enabled, listener_of, listener_paused, pattern_granted,
        publisher_enabled, publisher_of, ready, score, to_score, topic_on, topics_gained,
    };

    fn take_over(topic: &str) -> TakeOverTopic {
        TakeOverTopic {
            topic: topic.parse().unwrap(),
            from: broker_id("main"),
            to: broker_id("next"),
            start: Some(StartPosition::Latest),
            cause: CAUSE,
        }
    }

    fn replaced(topics: &[&str]) -> Vec<Event> {
        vec![
            broker_connected("next"),
            topics_gained("next", topics),
            broker_replaced("main", "next"),
        ]
    }

    fn on_next(topic: &str) -> TopicId {
        topic_on("next", topic)
    }

    fn listener() -> ListenerId {
        listener_of(score(), on_next("orders"))
    }

    fn taken_grant(topic: &str, access: Access) -> Event {
        TopicGranted {
            topic: on_next(topic),
            permission: to_score(access),
            cause: Some(CAUSE),
        }
        .into()
    }

    fn taken_listener() -> Event {
        ListenerEnabled {
            listener: listener(),
            version: "1.*".parse().unwrap(),
            settings: ListenerSettings::starting(StartPosition::Latest),
            cause: Some(CAUSE),
        }
        .into()
    }

    fn hanging() -> Vec<Event> {
        let mut events = ready();
        events.extend([
            granted("orders", Access::Subscribe),
            listener_enabled("orders", "1.*"),
            dlq_set("orders", "orders-dlq"),
            listener_paused("orders"),
        ]);
        events
    }

    #[test]
    fn a_listener_moves_with_its_grant_version_dlq_and_pause() {
        given(hanging())
            .and(replaced(&["orders", "orders-dlq"]))
            .when(take_over("orders"))
            .then([
                taken_grant("orders", Access::Subscribe),
                taken_listener(),
                dlq_set(listener(), "orders-dlq"),
                listener_paused(listener()),
            ]);
    }

    #[test]
    fn a_publisher_moves_with_its_grant_and_version() {
        given(ready())
            .and([
                granted("scores", Access::Publish),
                publisher_enabled("scores", "1.*"),
            ])
            .and(replaced(&["scores"]))
            .when(take_over("scores"))
            .then([
                taken_grant("scores", Access::Publish),
                Event::from(PublisherEnabled {
                    publisher: publisher_of(score(), on_next("scores")),
                    version: "1.*".parse().unwrap(),
                    cause: Some(CAUSE),
                }),
            ]);
    }

    #[test]
    fn what_the_topic_has_already_stays_as_it_is() {
        given(hanging())
            .and(replaced(&["orders", "orders-dlq"]))
            .and([taken_grant("orders", Access::Subscribe), taken_listener()])
            .when(take_over("orders"))
            .then([]);
    }

    #[test]
    fn a_listener_without_its_dlq_is_left_behind() {
        given(hanging())
            .and(replaced(&["orders"]))
            .when(take_over("orders"))
            .then([taken_grant("orders", Access::Subscribe)]);
    }

    #[test]
    fn a_listener_under_a_pattern_moves_where_the_pattern_went_before() {
        let by_pattern = || {
            given(ready())
                .and([
                    pattern_granted("ord*", Access::Subscribe),
                    listener_enabled("orders", "1.*"),
                ])
                .and(replaced(&["orders"]))
        };
        by_pattern().when(take_over("orders")).then([]);
        let pattern = Event::from(TopicPatternGranted {
            broker: broker_id("next"),
            pattern: "ord*".parse().unwrap(),
            permission: to_score(Access::Subscribe),
            cause: Some(CAUSE),
        });
        let patterns = TakeOverPatterns {
            from: broker_id("main"),
            to: broker_id("next"),
            cause: CAUSE,
        };
        by_pattern().when(patterns.clone()).then([pattern.clone()]);
        by_pattern().and([pattern.clone()]).when(patterns).then([]);
        by_pattern()
            .and([pattern])
            .when(take_over("orders"))
            .then([taken_listener()]);
    }

    #[test]
    fn nothing_is_taken_from_the_living_or_given_to_the_gone() {
        given(hanging())
            .and([broker_connected("next"), topics_gained("next", &["orders"])])
            .when(take_over("orders"))
            .then([]);
        given(hanging())
            .and(replaced(&["orders", "orders-dlq"]))
            .and([broker_disconnected("next")])
            .when(take_over("orders"))
            .then([]);
        given(hanging())
            .and(replaced(&["orders-dlq"]))
            .when(take_over("orders"))
            .then([]);
    }
}
