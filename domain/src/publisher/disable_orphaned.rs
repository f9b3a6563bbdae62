//! Disabling a publisher that lost what it needs. A policy's command.

use super::PublisherDisabled;
use crate::algorithm::Algorithm;
use crate::authority::Right;
use crate::broker::Broker;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::grant::Access;
use crate::ids::{EventId, PublisherId};
use crate::topic::Topic;

/// Disable a publisher whose grant, broker or algorithm is missing. Nothing happens where it has
/// all three, or is disabled: something may have changed since the policy looked.
#[derive(Clone, Debug)]
pub struct DisableOrphanedPublisher {
    pub publisher: PublisherId,
    /// The event that the policy answers by it.
    pub cause: EventId,
}

impl Command for DisableOrphanedPublisher {
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
        Right::Answer
    }

    fn decide(&self, (topic, broker, algorithm): &Self::State, _ctx: Ctx) -> Decided {
        let (name, id) = (&self.publisher.topic.topic, &self.publisher.algorithm);
        let enabled = topic.publishers.contains_key(id);
        let justified =
            topic.may_stay_enabled(name, id, Access::Publish, broker) && !algorithm.retired;
        if !enabled || justified {
            return Ok(vec![]);
        }
        Ok(vec![
            PublisherDisabled {
                publisher: self.publisher.clone(),
                cause: Some(self.cause),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::testing::{
        CAUSE, algorithm_retired, broker_disconnected, given, granted, pattern_granted,
        publisher_enabled, publisher_id, ready,
    };

    fn disable() -> DisableOrphanedPublisher {
        DisableOrphanedPublisher {
            publisher: publisher_id("orders"),
            cause: CAUSE,
        }
    }

    fn disabled() -> Event {
        PublisherDisabled {
            publisher: publisher_id("orders"),
            cause: Some(disable().cause),
        }
        .into()
    }

    #[test]
    fn a_publisher_without_its_grant_its_broker_or_its_algorithm_is_disabled() {
        given(ready())
            .and([publisher_enabled("orders", "1.0.0")])
            .when(disable())
            .then([disabled()]);
        for lost in [broker_disconnected("main"), algorithm_retired("acme/score")] {
            given(ready())
                .and([
                    granted("orders", Access::Publish),
                    publisher_enabled("orders", "1.0.0"),
                    lost,
                ])
                .when(disable())
                .then([disabled()]);
        }
    }

    #[test]
    fn a_publisher_that_has_all_it_needs_stays_enabled() {
        for grant in [
            granted("orders", Access::Publish),
            pattern_granted("ord*", Access::Publish),
        ] {
            given(ready())
                .and([grant, publisher_enabled("orders", "1.0.0")])
                .when(disable())
                .then([]);
        }
    }

    #[test]
    fn a_disabled_publisher_is_left_alone() {
        given(ready()).when(disable()).then([]);
    }
}
