//! Recording the topics of a broker.

use super::{Broker, DiscoveredTopic, TopicsDiscovered};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::BrokerId;
use crate::refusal::Refusal;

/// Record the topics that a worker found. Nothing happens when they are the known ones.
#[derive(Clone, Debug)]
pub struct DiscoverTopics {
    pub broker: BrokerId,
    /// The topics, or why the worker found nothing.
    pub probe: Result<Vec<DiscoveredTopic>, String>,
}

impl Command for DiscoverTopics {
    type State = Broker;

    fn stream(&self) -> StreamName {
        StreamName::broker(self.broker)
    }

    fn requires(&self) -> Right {
        Right::AdministerCluster
    }

    fn decide(&self, state: &Broker, _ctx: Ctx) -> Decided {
        state.check_connected()?;
        let mut topics = match &self.probe {
            Ok(topics) => topics.clone(),
            Err(reason) => return Err(Refusal::BrokerUnreachable(reason.clone())),
        };
        topics.sort();
        if topics.iter().eq(state.topics.values()) {
            return Ok(vec![]);
        }
        Ok(vec![
            TopicsDiscovered {
                broker: self.broker,
                topics,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{broker_connected, broker_id, discovered, given, topics_discovered};

    fn discover(topics: &[&str]) -> DiscoverTopics {
        DiscoverTopics {
            broker: broker_id("main"),
            probe: Ok(discovered(topics)),
        }
    }

    #[test]
    fn new_topics_are_recorded_in_order() {
        given([broker_connected("main"), topics_discovered("main", &["b"])])
            .when(discover(&["b", "a"]))
            .then([topics_discovered("main", &["a", "b"])]);
    }

    #[test]
    fn the_known_topics_are_no_news() {
        given([
            broker_connected("main"),
            topics_discovered("main", &["a", "b"]),
        ])
        .when(discover(&["b", "a"]))
        .then([]);
    }

    #[test]
    fn a_broker_that_has_ended_is_refused() {
        given([])
            .when(discover(&["a"]))
            .then_refused(Refusal::BrokerGone);
    }

    #[test]
    fn an_unreachable_broker_is_refused_with_the_reason() {
        let failed = DiscoverTopics {
            probe: Err("timed out".to_owned()),
            ..discover(&[])
        };
        given([broker_connected("main")])
            .when(failed)
            .then_refused(Refusal::BrokerUnreachable("timed out".to_owned()));
    }
}
