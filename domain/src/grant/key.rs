//! What tells one grant from another.

use std::fmt;

use super::{Access, Grantee, Permission};
use crate::ids::{AlgorithmId, BrokerId, TopicId};
use crate::name::{OrganizationName, TopicName};
use crate::pattern::TopicPattern;

/// What tells one grant from another. Lists are ordered by its text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrantKey {
    pub broker: BrokerId,
    pub scope: Scope,
    pub permission: Permission,
}

/// Which topics of its broker a grant is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    Topic(TopicName),
    /// All that the pattern covers, including those discovered later.
    Pattern(TopicPattern),
}

impl GrantKey {
    /// The grant of one topic.
    #[must_use]
    pub fn of_topic(topic: &TopicId, permission: &Permission) -> Self {
        Self {
            broker: topic.broker,
            scope: Scope::Topic(topic.topic.clone()),
            permission: permission.clone(),
        }
    }

    /// The grant of every topic that a pattern covers.
    #[must_use]
    pub fn of_pattern(broker: BrokerId, pattern: &TopicPattern, permission: &Permission) -> Self {
        Self {
            broker,
            scope: Scope::Pattern(pattern.clone()),
            permission: permission.clone(),
        }
    }

    /// Reads the text of a key; `None` where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (broker, rest) = text.split_once('/')?;
        let mut parts = rest.split('|');
        let (scope, grantee, access) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        Some(Self {
            broker: BrokerId(broker.parse().ok()?),
            // A topic's name has no star, a pattern has one.
            scope: if scope.contains('*') {
                Scope::Pattern(scope.parse().ok()?)
            } else {
                Scope::Topic(scope.parse().ok()?)
            },
            permission: Permission {
                // An organization's name has no slash, an algorithm has one.
                grantee: if grantee.contains('/') {
                    Grantee::Algorithm(grantee.parse().ok()?)
                } else {
                    Grantee::Organization(grantee.parse().ok()?)
                },
                access: Access::ALL
                    .into_iter()
                    .find(|known| known.as_str() == access)?,
            },
        })
    }

    /// Whether it permits `algorithm` that access to `topic`. The view `permitted` of the read
    /// tables says the same.
    #[must_use]
    pub fn covers(&self, topic: &TopicId, algorithm: &AlgorithmId, access: Access) -> bool {
        self.includes(topic) && self.permission.covers(algorithm, access)
    }

    /// Whether it is for `topic`, no matter to which algorithm it is given.
    #[must_use]
    pub fn includes(&self, topic: &TopicId) -> bool {
        self.broker == topic.broker
            && match &self.scope {
                Scope::Topic(name) => *name == topic.topic,
                Scope::Pattern(pattern) => pattern.covers(&topic.topic),
            }
    }

    /// The organization that it is given to, itself or to one of its algorithms.
    #[must_use]
    pub fn organization(&self) -> &OrganizationName {
        match &self.permission.grantee {
            Grantee::Algorithm(algorithm) => &algorithm.organization,
            Grantee::Organization(organization) => organization,
        }
    }

    /// The algorithm that it is given to, if it is to one.
    #[must_use]
    pub fn algorithm(&self) -> Option<&AlgorithmId> {
        match &self.permission.grantee {
            Grantee::Algorithm(algorithm) => Some(algorithm),
            Grantee::Organization(_) => None,
        }
    }
}

impl fmt::Display for GrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}|", self.broker, self.scope)?;
        match &self.permission.grantee {
            Grantee::Algorithm(algorithm) => write!(f, "{algorithm}|")?,
            Grantee::Organization(organization) => write!(f, "{organization}|")?,
        }
        self.permission.access.fmt(f)
    }
}

impl Scope {
    /// The topic's name or the pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Topic(topic) => topic.as_str(),
            Self::Pattern(pattern) => pattern.as_str(),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{to_acme, to_score, topic_id};

    #[test]
    fn every_key_reads_back_from_its_text() {
        let topic = topic_id("a/b");
        let to_acme = to_acme(Access::Subscribe);
        for permission in Access::ALL.map(to_score).into_iter().chain([to_acme]) {
            let of_topic = GrantKey::of_topic(&topic, &permission);
            let pattern = "a/*".parse().unwrap();
            let of_pattern = GrantKey::of_pattern(topic.broker, &pattern, &permission);
            for key in [of_topic, of_pattern] {
                assert_eq!(GrantKey::parse(&key.to_string()), Some(key));
            }
        }
        let listener = format!("{}|acme/score", topic_id("a"));
        for text in [
            "",
            "x",
            &listener,
            &format!("{listener}|READ"),
            &format!("{listener}|PUBLISH|"),
        ] {
            assert_eq!(GrantKey::parse(text), None, "{text:?}");
        }
    }
}
