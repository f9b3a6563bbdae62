//! Enabling a publisher.

use super::PublisherEnabled;
use crate::algorithm::Algorithm;
use crate::authority::Right;
use crate::broker::Broker;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::flow::{Flow, Flows};
use crate::grant::Access;
use crate::ids::PublisherId;
use crate::refusal::Refusal;
use crate::topic::Topic;
use crate::version::VersionSelector;

/// Publish the results of an algorithm's successful runs under a PUBLISH grant.
#[derive(Clone, Debug)]
pub struct EnablePublisher {
    pub publisher: PublisherId,
    pub version: VersionSelector,
    /// The flows that are enabled now, as far as the caller knows.
    pub flows: Flows,
    /// Enable it although it closes a cycle.
    pub allow_cycle: bool,
}

impl Command for EnablePublisher {
    type State = (Topic, Broker, Algorithm);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.publisher.topic)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        vec![
            StreamName::broker(self.publisher.topic.broker),
            StreamName::algorithm(&self.publisher.algorithm),
        ]
    }

    fn requires(&self) -> Right {
        Right::Develop(self.publisher.algorithm.organization.clone())
    }

    fn decide(&self, (topic, broker, algorithm): &Self::State, _ctx: Ctx) -> Decided {
        let PublisherId {
            topic: target,
            algorithm: algorithm_id,
        } = &self.publisher;
        broker.check_connected()?;
        topic.check_granted(target, algorithm_id, Access::Publish, broker)?;
        if topic.publishers.contains_key(algorithm_id) {
            return Err(Refusal::PublisherAlreadyEnabled);
        }
        algorithm.check_resolves(algorithm_id, &self.version)?;
        let flow = Flow::Publisher(self.publisher.clone());
        self.flows.check(&flow, self.allow_cycle)?;
        Ok(vec![
            PublisherEnabled {
                publisher: self.publisher.clone(),
                version: self.version.clone(),
                cause: None,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        broker_disconnected, given, granted, listener_id, pattern_granted, publisher_enabled,
        publisher_id, ready, topic_id,
    };

    fn enable() -> EnablePublisher {
        EnablePublisher {
            publisher: publisher_id("scores"),
            version: "1.*".parse().unwrap(),
            flows: Flows::default(),
            allow_cycle: false,
        }
    }

    #[test]
    fn a_cycle_is_refused_with_its_path_unless_it_is_allowed() {
        let closing = EnablePublisher {
            flows: Flows::from_iter([Flow::Listener(listener_id("scores"))]),
            ..enable()
        };
        let path = closing
            .flows
            .cycle(&Flow::Publisher(closing.publisher.clone()))
            .unwrap();
        assert_eq!(path.to_string(), "acme/score → scores → acme/score");
        given(ready())
            .and([granted("scores", Access::Publish)])
            .when(closing.clone())
            .then_refused(Refusal::FlowCycle { path });
        let allowed = EnablePublisher {
            allow_cycle: true,
            ..closing
        };
        given(ready())
            .and([granted("scores", Access::Publish)])
            .when(allowed)
            .then([publisher_enabled("scores", "1.*")]);
    }

    #[test]
    fn a_pattern_permits_it_too() {
        given(ready())
            .and([pattern_granted("sco*", Access::Publish)])
            .when(enable())
            .then([publisher_enabled("scores", "1.*")]);
    }

    #[test]
    fn a_granted_topic_takes_results() {
        given(ready())
            .and([granted("scores", Access::Publish)])
            .when(enable())
            .then([publisher_enabled("scores", "1.*")]);
    }

    #[test]
    fn a_topic_takes_the_results_of_several_algorithms() {
        let other = PublisherId {
            algorithm: "acme/other".parse().unwrap(),
            ..publisher_id("scores")
        };
        let enabled = PublisherEnabled {
            publisher: other,
            version: "1.*".parse().unwrap(),
            cause: None,
        };
        given(ready())
            .and([granted("scores", Access::Publish), enabled.into()])
            .when(enable())
            .then([publisher_enabled("scores", "1.*")]);
    }

    #[test]
    fn without_a_publish_grant_it_is_refused() {
        given(ready())
            .and([granted("scores", Access::Subscribe)])
            .when(enable())
            .then_refused(Refusal::NotGranted {
                topic: topic_id("scores"),
                algorithm: "acme/score".parse().unwrap(),
                access: Access::Publish,
            });
    }

    #[test]
    fn an_enabled_publisher_is_not_enabled_again() {
        given(ready())
            .and([
                granted("scores", Access::Publish),
                publisher_enabled("scores", "1.*"),
            ])
            .when(enable())
            .then_refused(Refusal::PublisherAlreadyEnabled);
    }

    #[test]
    fn an_unknown_version_is_refused() {
        let unknown = EnablePublisher {
            version: "7.0.0".parse().unwrap(),
            ..enable()
        };
        given(ready())
            .and([granted("scores", Access::Publish)])
            .when(unknown)
            .then_refused(Refusal::UnknownVersion {
                algorithm: "acme/score".parse().unwrap(),
                selector: "7.0.0".parse().unwrap(),
            });
    }

    #[test]
    fn a_broker_that_has_ended_is_refused() {
        given(ready())
            .and([
                granted("scores", Access::Publish),
                broker_disconnected("main"),
            ])
            .when(enable())
            .then_refused(Refusal::BrokerGone);
    }
}
