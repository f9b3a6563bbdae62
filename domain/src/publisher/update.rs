//! Changing an enabled publisher.

use super::PublisherVersionChanged;
use crate::algorithm::Algorithm;
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::PublisherId;
use crate::topic::Topic;
use crate::version::VersionSelector;

/// Change what is given; the rest stays. A value that is already as asked for is not checked.
#[derive(Clone, Debug)]
pub struct UpdatePublisher {
    pub publisher: PublisherId,
    /// Take the results of this version from now on.
    pub version: Option<VersionSelector>,
}

impl Command for UpdatePublisher {
    type State = (Topic, Algorithm);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.publisher.topic)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        let algorithm = StreamName::algorithm(&self.publisher.algorithm);
        self.version.iter().map(|_| algorithm.clone()).collect()
    }

    fn requires(&self) -> Right {
        Right::Develop(self.publisher.algorithm.organization.clone())
    }

    fn decide(&self, (topic, algorithm): &Self::State, _ctx: Ctx) -> Decided {
        let present = topic.publisher(&self.publisher.algorithm)?;
        let mut events = Vec::new();
        if let Some(version) = self.version.as_ref().filter(|version| *version != present) {
            algorithm.check_resolves(&self.publisher.algorithm, version)?;
            events.push(
                PublisherVersionChanged {
                    publisher: self.publisher.clone(),
                    version: version.clone(),
                }
                .into(),
            );
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::refusal::Refusal;
    use crate::testing::{given, publisher_enabled, publisher_id, ready};

    fn update(version: Option<&str>) -> UpdatePublisher {
        UpdatePublisher {
            publisher: publisher_id("scores"),
            version: version.map(|version| version.parse().unwrap()),
        }
    }

    #[test]
    fn an_enabled_publisher_moves_to_another_version() {
        given(ready())
            .and([publisher_enabled("scores", "1.*")])
            .when(update(Some("latest")))
            .then([Event::from(PublisherVersionChanged {
                publisher: publisher_id("scores"),
                version: "latest".parse().unwrap(),
            })]);
    }

    #[test]
    fn what_is_left_out_or_as_it_is_already_changes_nothing() {
        for version in [None, Some("1.*")] {
            given(ready())
                .and([publisher_enabled("scores", "1.*")])
                .when(update(version))
                .then([]);
        }
    }

    #[test]
    fn an_unknown_version_is_refused() {
        given(ready())
            .and([publisher_enabled("scores", "1.*")])
            .when(update(Some("7.0.0")))
            .then_refused(Refusal::UnknownVersion {
                algorithm: "acme/score".parse().unwrap(),
                selector: "7.0.0".parse().unwrap(),
            });
    }

    #[test]
    fn a_disabled_publisher_is_refused() {
        given(ready())
            .when(update(None))
            .then_refused(Refusal::PublisherNotEnabled);
    }
}
