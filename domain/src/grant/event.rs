//! What happened to grants.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Edit, EditGrants, EditPatternGrants, GrantKey, PatternChange, Permission};
use crate::describe::BrokerNames;
use crate::event::Payload;
use crate::ids::{BrokerId, EventId, TopicId};
use crate::pattern::TopicPattern;
use crate::thing::{Subject, Thing};
use crate::undo::{Inverse, NoUndo, Past, unless_changed};

/// An administrator permitted an algorithm, or all of an organization, to read or write a topic.
///
/// Version 1 knew single algorithms only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicGranted {
    #[serde(flatten)]
    pub topic: TopicId,
    #[serde(flatten)]
    pub permission: Permission,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

/// The permission ended.
///
/// Version 1 knew single algorithms only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicRevoked {
    #[serde(flatten)]
    pub topic: TopicId,
    #[serde(flatten)]
    pub permission: Permission,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

/// An administrator gave a permission on every topic of a broker that the pattern covers,
/// including those discovered later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicPatternGranted {
    pub broker: BrokerId,
    pub pattern: TopicPattern,
    #[serde(flatten)]
    pub permission: Permission,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

/// The permission ended on every topic that nothing else permits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicPatternRevoked {
    pub broker: BrokerId,
    pub pattern: TopicPattern,
    #[serde(flatten)]
    pub permission: Permission,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

impl Payload for TopicGranted {
    const NAME: &'static str = "TopicGranted";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Topic(&self.topic)
    }

    fn about(&self) -> Vec<Thing> {
        vec![
            Thing::Grant(GrantKey::of_topic(&self.topic, &self.permission)),
            Thing::Topic(self.topic.clone()),
            Thing::Broker(self.topic.broker),
        ]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        granted(&self.permission, &self.topic.topic)
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        let granted = past.now.topic.grants.contains(&self.permission);
        unless_changed(granted)?;
        let (topic, permission) = (self.topic.clone(), self.permission.clone());
        Ok(Box::new(EditGrants::single(
            topic,
            Edit::Remove,
            permission,
        )))
    }
}

impl Payload for TopicRevoked {
    const NAME: &'static str = "TopicRevoked";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Topic(&self.topic)
    }

    fn about(&self) -> Vec<Thing> {
        vec![
            Thing::Grant(GrantKey::of_topic(&self.topic, &self.permission)),
            Thing::Topic(self.topic.clone()),
            Thing::Broker(self.topic.broker),
        ]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        revoked(&self.permission, &self.topic.topic)
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        let granted = past.now.topic.grants.contains(&self.permission);
        unless_changed(!granted)?;
        let (topic, permission) = (self.topic.clone(), self.permission.clone());
        Ok(Box::new(EditGrants::single(topic, Edit::Add, permission)))
    }
}

impl Payload for TopicPatternGranted {
    const NAME: &'static str = "TopicPatternGranted";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Broker(&self.broker)
    }

    fn about(&self) -> Vec<Thing> {
        let key = GrantKey::of_pattern(self.broker, &self.pattern, &self.permission);
        vec![Thing::Grant(key), Thing::Broker(self.broker)]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        granted(&self.permission, &self.pattern)
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        let key = (self.pattern.clone(), self.permission.clone());
        unless_changed(past.now.broker.patterns.contains(&key))?;
        let change = PatternChange {
            edit: Edit::Remove,
            pattern: self.pattern.clone(),
            permission: self.permission.clone(),
        };
        Ok(Box::new(EditPatternGrants {
            broker: self.broker,
            changes: vec![change],
        }))
    }
}

impl Payload for TopicPatternRevoked {
    const NAME: &'static str = "TopicPatternRevoked";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Broker(&self.broker)
    }

    fn about(&self) -> Vec<Thing> {
        let key = GrantKey::of_pattern(self.broker, &self.pattern, &self.permission);
        vec![Thing::Grant(key), Thing::Broker(self.broker)]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        revoked(&self.permission, &self.pattern)
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        let key = (self.pattern.clone(), self.permission.clone());
        unless_changed(!past.now.broker.patterns.contains(&key))?;
        let change = PatternChange {
            edit: Edit::Add,
            pattern: self.pattern.clone(),
            permission: self.permission.clone(),
        };
        Ok(Box::new(EditPatternGrants {
            broker: self.broker,
            changes: vec![change],
        }))
    }
}

fn granted(permission: &Permission, on: &impl fmt::Display) -> String {
    let Permission { access, grantee } = permission;
    format!("granted {access} on {on} to {grantee}")
}

fn revoked(permission: &Permission, on: &impl fmt::Display) -> String {
    let Permission { access, grantee } = permission;
    format!("revoked {access} on {on} from {grantee}")
}
