//! Disabling a publisher.

use super::PublisherDisabled;
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::PublisherId;
use crate::topic::Topic;

/// Stop publishing results.
#[derive(Clone, Debug)]
pub struct DisablePublisher {
    pub publisher: PublisherId,
}

impl Command for DisablePublisher {
    type State = Topic;

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.publisher.topic)
    }

    fn requires(&self) -> Right {
        Right::StopFlows(self.publisher.algorithm.organization.clone())
    }

    fn decide(&self, topic: &Topic, _ctx: Ctx) -> Decided {
        topic.publisher(&self.publisher.algorithm)?;
        Ok(vec![
            PublisherDisabled {
                publisher: self.publisher.clone(),
                cause: None,
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
    use crate::testing::{given, publisher_enabled, publisher_id};

    fn disable() -> DisablePublisher {
        DisablePublisher {
            publisher: publisher_id("scores"),
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
}
