//! Disabling a publisher.

use super::PublisherDisabled;
use crate::algorithm::Algorithm;
use crate::broker::Broker;
use crate::command::{Command, Ctx, Decision};
use crate::envelope::StreamName;
use crate::grant::Access;
use crate::ids::{EventId, PublisherId};
use crate::topic::Topic;

/// Publish no more results.
///
/// With a cause it is a policy's, and nothing happens unless the grant, the broker or the
/// algorithm is gone: the world may have moved on since the policy looked.
#[derive(Clone, Debug)]
pub struct DisablePublisher {
    pub publisher: PublisherId,
    /// The event that a policy answers by it.
    pub cause: Option<EventId>,
}

impl Command for DisablePublisher {
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

    fn decide(&self, (topic, broker, algorithm): &Self::State, _ctx: Ctx) -> Decision {
        let id = &self.publisher.algorithm;
        let enabled = topic.publisher(id);
        let name = &self.publisher.topic.topic;
        let founded = topic.stands(name, id, Access::Publish, broker) && !algorithm.retired;
        if self.cause.is_some() && (enabled.is_err() || founded) {
            return Ok(vec![]);
        }
        enabled?;
        Ok(vec![
            PublisherDisabled {
                publisher: self.publisher.clone(),
                cause: self.cause,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::refusal::Refusal;
    use crate::testing::{given, granted, publisher_enabled, publisher_id, ready};

    fn disable() -> DisablePublisher {
        DisablePublisher {
            publisher: publisher_id("scores"),
            cause: None,
        }
    }

    #[test]
    fn an_enabled_publisher_is_disabled() {
        given([publisher_enabled("scores", "1.*")])
            .when(disable())
            .then([Event::from(PublisherDisabled {
                publisher: publisher_id("scores"),
                cause: None,
            })]);
    }

    #[test]
    fn a_disabled_publisher_is_refused() {
        given([])
            .when(disable())
            .then_refused(Refusal::PublisherNotEnabled);
    }

    #[test]
    fn a_policy_disables_what_lost_its_grant_and_nothing_else() {
        let cause = Some(EventId(uuid::Uuid::from_u128(1)));
        let by_policy = DisablePublisher { cause, ..disable() };
        given(ready())
            .and([publisher_enabled("scores", "1.*")])
            .when(by_policy.clone())
            .then([Event::from(PublisherDisabled {
                publisher: publisher_id("scores"),
                cause,
            })]);
        given(ready())
            .and([
                granted("scores", Access::Publish),
                publisher_enabled("scores", "1.*"),
            ])
            .when(by_policy)
            .then([]);
    }
}
