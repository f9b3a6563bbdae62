//! Changing the version whose results a publisher takes.

use super::PublisherVersionChanged;
use crate::algorithm::Algorithm;
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::PublisherId;
use crate::topic::Topic;
use crate::version::VersionSelector;

/// Take the results of another version from now on. Nothing happens when it is the present one.
#[derive(Clone, Debug)]
pub struct ChangePublisherVersion {
    pub publisher: PublisherId,
    pub version: VersionSelector,
}

impl Command for ChangePublisherVersion {
    type State = (Topic, Algorithm);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.publisher.topic)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        vec![StreamName::algorithm(&self.publisher.algorithm)]
    }

    fn requires(&self) -> Right {
        Right::Develop(self.publisher.algorithm.organization.clone())
    }

    fn decide(&self, (topic, algorithm): &Self::State, _ctx: Ctx) -> Decided {
        let version = topic.publisher(&self.publisher.algorithm)?;
        algorithm.check_resolves(&self.publisher.algorithm, &self.version)?;
        if *version == self.version {
            return Ok(vec![]);
        }
        Ok(vec![
            PublisherVersionChanged {
                publisher: self.publisher.clone(),
                version: self.version.clone(),
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
    use crate::testing::{given, publisher_enabled, publisher_id, ready};

    fn change(version: &str) -> ChangePublisherVersion {
        ChangePublisherVersion {
            publisher: publisher_id("scores"),
            version: version.parse().unwrap(),
        }
    }

    #[test]
    fn an_enabled_publisher_moves_to_another_version() {
        given(ready())
            .and([publisher_enabled("scores", "1.*")])
            .when(change("latest"))
            .then([Event::from(PublisherVersionChanged {
                publisher: publisher_id("scores"),
                version: "latest".parse().unwrap(),
            })]);
    }

    #[test]
    fn the_present_version_is_no_news() {
        given(ready())
            .and([publisher_enabled("scores", "1.*")])
            .when(change("1.*"))
            .then([]);
    }

    #[test]
    fn a_disabled_publisher_is_refused() {
        given(ready())
            .when(change("1.*"))
            .then_refused(Refusal::PublisherNotEnabled);
    }
}
