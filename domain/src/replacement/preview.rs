//! What a replacement would move, and what it would leave behind.

use std::collections::{BTreeMap, BTreeSet};

use crate::broker::Broker;
use crate::grant::Permission;
use crate::ids::AlgorithmId;
use crate::name::TopicName;
use crate::topic::{EnabledListener, Topic};

/// What will become of everything that uses a broker's topics. Grants by pattern are not
/// among it: they all move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    pub moves: Vec<Move>,
    pub missing: Vec<Missing>,
}

/// A topic whose holding goes to the topic of the same name on the replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    pub topic: TopicName,
    pub holding: Holding,
}

/// A topic in use that the replacement lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub topic: TopicName,
    /// What uses it, and would end.
    pub holding: Holding,
    /// Listeners on other topics that have it for a dead letter queue, and would end: elsewhere
    /// their faulty messages might be dropped.
    pub dlq_of: Vec<(TopicName, AlgorithmId)>,
}

/// What uses one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    pub grants: Vec<Permission>,
    pub listeners: Vec<AlgorithmId>,
    pub publishers: Vec<AlgorithmId>,
}

/// What `replacement` takes over of the topics `old`, and what it lacks.
#[must_use]
pub fn preview(old: &BTreeMap<TopicName, Topic>, replacement: &Broker) -> Preview {
    let mut moves = Vec::new();
    let mut missing: BTreeMap<&TopicName, Missing> = BTreeMap::new();
    let entry = |topic: &TopicName| Missing {
        topic: topic.clone(),
        holding: Holding::default(),
        dlq_of: Vec::new(),
    };
    for (name, topic) in old.iter().filter(|(_, topic)| !topic.is_free()) {
        if !replacement.topics.contains_key(name) {
            let all = topic.listeners.keys().collect();
            missing.entry(name).or_insert_with(|| entry(name)).holding = holding(topic, &all);
            continue;
        }
        let mut moving = BTreeSet::new();
        for (algorithm, listener) in &topic.listeners {
            match missing_dlq(listener, replacement) {
                None => {
                    moving.insert(algorithm);
                }
                Some(dlq) => missing
                    .entry(dlq)
                    .or_insert_with(|| entry(dlq))
                    .dlq_of
                    .push((name.clone(), algorithm.clone())),
            }
        }
        moves.push(Move {
            topic: name.clone(),
            holding: holding(topic, &moving),
        });
    }
    Preview {
        moves,
        missing: missing.into_values().collect(),
    }
}

/// The dead letter queue of `listener`, if `replacement` lacks it.
pub(super) fn missing_dlq<'a>(
    listener: &'a EnabledListener,
    replacement: &Broker,
) -> Option<&'a TopicName> {
    let dlq = listener.dlq.as_ref()?;
    (!replacement.topics.contains_key(dlq)).then_some(dlq)
}

fn holding(topic: &Topic, listeners: &BTreeSet<&AlgorithmId>) -> Holding {
    Holding {
        grants: topic.grants.iter().cloned().collect(),
        listeners: listeners.iter().map(|&id| id.clone()).collect(),
        publishers: topic.publishers.keys().cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::State;
    use crate::event::Event;
    use crate::grant::Access;
    use crate::testing::{
        broker_connected, dlq_set, granted, listener_enabled, publisher_enabled, to_score,
        topics_gained,
    };

    fn topic(events: &[Event]) -> Topic {
        let mut topic = Topic::default();
        events.iter().for_each(|event| topic.apply(event));
        topic
    }

    fn replacement(topics: &[&str]) -> Broker {
        let mut broker = Broker::default();
        broker.apply(&broker_connected("next"));
        broker.apply(&topics_gained("next", topics));
        broker
    }

    fn old() -> BTreeMap<TopicName, Topic> {
        let orders = [
            granted("orders", Access::Subscribe),
            listener_enabled("orders", "1.0.0"),
            dlq_set("orders", "orders-dlq"),
        ];
        let scores = [
            granted("scores", Access::Publish),
            publisher_enabled("scores", "1.0.0"),
        ];
        BTreeMap::from([
            ("free".parse().unwrap(), Topic::default()),
            ("orders".parse().unwrap(), topic(&orders)),
            ("scores".parse().unwrap(), topic(&scores)),
        ])
    }

    fn subscribed(listeners: &[&str]) -> Holding {
        Holding {
            grants: vec![to_score(Access::Subscribe)],
            listeners: listeners.iter().map(|id| id.parse().unwrap()).collect(),
            publishers: vec![],
        }
    }

    fn published() -> Holding {
        Holding {
            grants: vec![to_score(Access::Publish)],
            listeners: vec![],
            publishers: vec!["acme/score".parse().unwrap()],
        }
    }

    #[test]
    fn what_hangs_on_topics_that_both_have_moves() {
        let found = preview(&old(), &replacement(&["orders", "orders-dlq", "scores"]));
        let moves = [
            ("orders", subscribed(&["acme/score"])),
            ("scores", published()),
        ];
        let moves = moves.map(|(topic, holding)| Move {
            topic: topic.parse().unwrap(),
            holding,
        });
        assert_eq!(found.moves, moves);
        assert_eq!(found.missing, []);
    }

    #[test]
    fn a_topic_that_the_replacement_lacks_is_told_with_what_hangs_on_it() {
        let found = preview(&old(), &replacement(&["orders", "orders-dlq"]));
        assert_eq!(
            found.missing,
            [Missing {
                topic: "scores".parse().unwrap(),
                holding: published(),
                dlq_of: vec![],
            }]
        );
    }

    #[test]
    fn a_listener_whose_dlq_is_missing_does_not_move() {
        let found = preview(&old(), &replacement(&["orders", "scores"]));
        assert_eq!(found.moves[0].holding, subscribed(&[]));
        assert_eq!(
            found.missing,
            [Missing {
                topic: "orders-dlq".parse().unwrap(),
                holding: Holding::default(),
                dlq_of: vec![("orders".parse().unwrap(), "acme/score".parse().unwrap())],
            }]
        );
    }
}
