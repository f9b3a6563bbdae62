//! What happened to publishers.

use serde::{Deserialize, Serialize};

use super::{DisablePublisher, EnablePublisher, UpdatePublisher};
use crate::describe::BrokerNames;
use crate::event::Payload;
use crate::ids::{EventId, PublisherId};
use crate::thing::{Subject, Thing};
use crate::undo::{Inverse, NoUndo, Past, Standing, unless_changed};
use crate::version::VersionSelector;

/// A member enabled a publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublisherEnabled {
    #[serde(flatten)]
    pub publisher: PublisherId,
    /// Results of runs of a version that it picks are published.
    pub version: VersionSelector,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

/// The publisher was switched to the results of another version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublisherVersionChanged {
    #[serde(flatten)]
    pub publisher: PublisherId,
    pub version: VersionSelector,
}

/// The publisher stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublisherDisabled {
    #[serde(flatten)]
    pub publisher: PublisherId,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

impl Payload for PublisherEnabled {
    const NAME: &'static str = "PublisherEnabled";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Topic(&self.publisher.topic)
    }

    fn about(&self) -> Vec<Thing> {
        counted(&self.publisher)
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!(
            "enabled {} at version {}",
            named(&self.publisher),
            self.version
        )
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        version_in(past.now, &self.publisher)?;
        Ok(Box::new(DisablePublisher {
            publisher: self.publisher.clone(),
        }))
    }
}

impl Payload for PublisherVersionChanged {
    const NAME: &'static str = "PublisherVersionChanged";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Topic(&self.publisher.topic)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Publisher(self.publisher.clone())]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!(
            "moved {} to version {}",
            named(&self.publisher),
            self.version
        )
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        unless_changed(*version_in(past.now, &self.publisher)? == self.version)?;
        Ok(Box::new(UpdatePublisher {
            publisher: self.publisher.clone(),
            version: Some(version_in(past.before, &self.publisher)?.clone()),
        }))
    }
}

impl Payload for PublisherDisabled {
    const NAME: &'static str = "PublisherDisabled";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Topic(&self.publisher.topic)
    }

    fn about(&self) -> Vec<Thing> {
        counted(&self.publisher)
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("disabled {}", named(&self.publisher))
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        unless_changed(version_in(past.now, &self.publisher).is_err())?;
        Ok(Box::new(EnablePublisher {
            publisher: self.publisher.clone(),
            version: version_in(past.before, &self.publisher)?.clone(),
            flows: past.flows.clone(),
            allow_cycle: false,
        }))
    }
}

/// A publisher whose coming or going its topic and its broker count.
fn counted(id: &PublisherId) -> Vec<Thing> {
    vec![
        Thing::Publisher(id.clone()),
        Thing::Topic(id.topic.clone()),
        Thing::Broker(id.topic.broker),
    ]
}

/// The publisher in a sentence.
fn named(id: &PublisherId) -> String {
    format!("the publisher of {} to {}", id.algorithm, id.topic.topic)
}

/// The version of the publisher as it was or is, if it was or is enabled.
fn version_in<'a>(
    standing: &'a Standing,
    publisher: &PublisherId,
) -> Result<&'a VersionSelector, NoUndo> {
    let version = standing.topic.publishers.get(&publisher.algorithm);
    version.ok_or(NoUndo::ChangedSince)
}
