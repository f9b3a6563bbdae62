//! What is different between two lists of topics.

use std::collections::BTreeMap;

use super::{DiscoveredTopic, TopicsChanged};
use crate::ids::BrokerId;
use crate::name::TopicName;

/// What an event takes beside its topics.
const ENVELOPE_BYTES: usize = 200;

/// What a topic takes beside its name, whose characters JSON writes as they are.
const TOPIC_BYTES: usize = 40;

impl TopicsChanged {
    /// The longest payload of one event.
    pub const MOST_BYTES: usize = 256 * 1024;

    /// How many events of that length one append takes: together they are below every log's limit.
    pub const MOST_OF_AN_APPEND: usize = 3;

    /// The topics that a broker had to begin with.
    #[must_use]
    pub fn gained(broker: BrokerId, gained: Vec<DiscoveredTopic>) -> Self {
        Self {
            gained,
            ..Self::none(broker)
        }
    }

    /// The differences of `found` from `known`, in as few events as possible.
    #[must_use]
    pub fn between(
        broker: BrokerId,
        known: &BTreeMap<TopicName, DiscoveredTopic>,
        found: &[DiscoveredTopic],
    ) -> Vec<Self> {
        let found: BTreeMap<_, _> = found.iter().map(|topic| (&topic.name, topic)).collect();
        let mut parts = Parts::new(broker);
        for lost in known.keys().filter(|name| !found.contains_key(name)) {
            parts.with_room_for(lost).lost.push(lost.clone());
        }
        for (name, topic) in found {
            match known.get(name) {
                None => parts.with_room_for(name).gained.push(topic.clone()),
                Some(before) if before != topic => {
                    parts.with_room_for(name).changed.push(topic.clone());
                }
                Some(_) => {}
            }
        }
        parts.events
    }

    fn none(broker: BrokerId) -> Self {
        Self {
            broker,
            gained: Vec::new(),
            lost: Vec::new(),
            changed: Vec::new(),
        }
    }
}

/// Events that are being filled.
struct Parts {
    broker: BrokerId,
    events: Vec<TopicsChanged>,
    /// Of the last one.
    bytes: usize,
}

impl Parts {
    fn new(broker: BrokerId) -> Self {
        Self {
            broker,
            events: Vec::new(),
            bytes: TopicsChanged::MOST_BYTES,
        }
    }

    /// The event that takes a topic of that name.
    fn with_room_for(&mut self, name: &TopicName) -> &mut TopicsChanged {
        let bytes = name.as_str().len() + TOPIC_BYTES;
        if self.bytes + bytes > TopicsChanged::MOST_BYTES {
            self.events.push(TopicsChanged::none(self.broker));
            self.bytes = ENVELOPE_BYTES;
        }
        self.bytes += bytes;
        let last = self.events.len() - 1;
        &mut self.events[last]
    }
}
