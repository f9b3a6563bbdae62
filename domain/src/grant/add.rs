//! Granting a topic to an algorithm.

use super::{Access, TopicGranted};
use crate::algorithm::Algorithm;
use crate::command::{Command, Ctx, Decision};
use crate::connection::{Connection, Phase};
use crate::envelope::StreamName;
use crate::ids::{AlgorithmId, TopicId};
use crate::refusal::Refusal;
use crate::topic::Topic;

/// Permit an algorithm with a published version to read or write a topic. Nothing happens when
/// it is permitted already.
#[derive(Clone, Debug)]
pub struct Grant {
    pub topic: TopicId,
    pub algorithm: AlgorithmId,
    pub access: Access,
}

impl Command for Grant {
    type State = (Topic, Connection, Algorithm);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.topic)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        vec![
            StreamName::connection(self.topic.connection),
            StreamName::algorithm(&self.algorithm),
        ]
    }

    fn decide(&self, (topic, connection, algorithm): &Self::State, _ctx: Ctx) -> Decision {
        if connection.phase != Phase::Alive {
            return Err(Refusal::ConnectionGone);
        }
        if !connection.topics.contains_key(&self.topic.topic) {
            return Err(Refusal::UnknownTopic(self.topic.topic.clone()));
        }
        if !algorithm.registered {
            return Err(Refusal::UnknownAlgorithm(self.algorithm.clone()));
        }
        if algorithm.versions.is_empty() {
            return Err(Refusal::NothingPublished(self.algorithm.clone()));
        }
        if topic
            .grants
            .contains(&(self.algorithm.clone(), self.access))
        {
            return Ok(vec![]);
        }
        Ok(vec![
            TopicGranted {
                topic: self.topic.clone(),
                algorithm: self.algorithm.clone(),
                access: self.access,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        algorithm_registered, broker_connected, broker_disconnected, given, granted, ready,
        topic_id, topics_discovered,
    };

    fn grant() -> Grant {
        Grant {
            topic: topic_id("orders"),
            algorithm: "acme/score".parse().unwrap(),
            access: Access::Subscribe,
        }
    }

    #[test]
    fn a_published_algorithm_is_granted_a_known_topic() {
        given(ready())
            .when(grant())
            .then([granted("orders", Access::Subscribe)]);
    }

    #[test]
    fn a_grant_that_stands_is_no_news() {
        given(ready())
            .and([granted("orders", Access::Subscribe)])
            .when(grant())
            .then([]);
    }

    #[test]
    fn a_connection_that_is_gone_is_refused() {
        given(ready())
            .and([broker_disconnected("main")])
            .when(grant())
            .then_refused(Refusal::ConnectionGone);
    }

    #[test]
    fn a_topic_that_the_broker_lacks_is_refused() {
        let absent = Grant {
            topic: topic_id("absent"),
            ..grant()
        };
        given(ready())
            .when(absent)
            .then_refused(Refusal::UnknownTopic("absent".parse().unwrap()));
    }

    #[test]
    fn an_algorithm_without_a_published_version_is_refused() {
        given([
            broker_connected("main"),
            topics_discovered("main", &["orders"]),
        ])
        .when(grant())
        .then_refused(Refusal::UnknownAlgorithm("acme/score".parse().unwrap()));
        given([
            broker_connected("main"),
            topics_discovered("main", &["orders"]),
            algorithm_registered("acme/score"),
        ])
        .when(grant())
        .then_refused(Refusal::NothingPublished("acme/score".parse().unwrap()));
    }
}
