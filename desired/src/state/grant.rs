//! Grants: which topics, and who may use them.

use std::collections::BTreeSet;
use std::fmt;

use domain::grant::{Access, Grantee, Permission};
use domain::{BrokerName, NameError, TopicName, TopicPattern};
use serde::{Deserialize, Serialize};

use super::edge::Edge;

/// A topic of a broker, or all of its topics that a pattern covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "ScopeFields", into = "ScopeFields")]
pub(crate) struct TopicScope {
    pub(crate) broker: BrokerName,
    pub(crate) covered: Covered,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Covered {
    Topic(TopicName),
    Pattern(TopicPattern),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeFields {
    broker: BrokerName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic: Option<TopicName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pattern: Option<TopicPattern>,
}

impl TryFrom<ScopeFields> for TopicScope {
    type Error = &'static str;

    fn try_from(fields: ScopeFields) -> Result<Self, Self::Error> {
        let covered = match (fields.topic, fields.pattern) {
            (Some(topic), None) => Covered::Topic(topic),
            (None, Some(pattern)) => Covered::Pattern(pattern),
            _ => return Err("expected either `topic` or `pattern`"),
        };
        Ok(Self {
            broker: fields.broker,
            covered,
        })
    }
}

impl From<TopicScope> for ScopeFields {
    fn from(scope: TopicScope) -> Self {
        let (topic, pattern) = match scope.covered {
            Covered::Topic(topic) => (Some(topic), None),
            Covered::Pattern(pattern) => (None, Some(pattern)),
        };
        Self {
            broker: scope.broker,
            topic,
            pattern,
        }
    }
}

impl TopicScope {
    /// Whether the topic of `edge` is one of these.
    pub(crate) fn covers(&self, edge: &Edge) -> bool {
        self.broker == edge.broker
            && match &self.covered {
                Covered::Topic(topic) => *topic == edge.topic,
                Covered::Pattern(pattern) => pattern.covers(&edge.topic),
            }
    }
}

impl fmt::Display for TopicScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.covered {
            Covered::Topic(topic) => write!(f, "{}/{topic}", self.broker),
            Covered::Pattern(pattern) => write!(f, "{}/{}", self.broker, pattern.as_str()),
        }
    }
}

/// Who may use a topic: algorithms as `organization/name`, or whole organizations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantsSpec {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    subscribe: BTreeSet<GranteeName>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    publish: BTreeSet<GranteeName>,
    #[serde(
        default,
        rename = "deadLetter",
        skip_serializing_if = "BTreeSet::is_empty"
    )]
    dead_letter: BTreeSet<GranteeName>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct GranteeName(pub(crate) Grantee);

impl TryFrom<String> for GranteeName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        let grantee = if text.contains('/') {
            Grantee::Algorithm(text.parse()?)
        } else {
            Grantee::Organization(text.parse()?)
        };
        Ok(Self(grantee))
    }
}

impl From<GranteeName> for String {
    fn from(GranteeName(grantee): GranteeName) -> Self {
        match grantee {
            Grantee::Algorithm(algorithm) => algorithm.into(),
            Grantee::Organization(organization) => organization.into(),
        }
    }
}

impl From<&BTreeSet<Permission>> for GrantsSpec {
    fn from(permissions: &BTreeSet<Permission>) -> Self {
        let of = |access| {
            let wanted = permissions.iter().filter(|p| p.access == access);
            wanted.map(|p| GranteeName(p.grantee.clone())).collect()
        };
        Self {
            subscribe: of(Access::Subscribe),
            publish: of(Access::Publish),
            dead_letter: of(Access::DeadLetter),
        }
    }
}

impl From<GrantsSpec> for BTreeSet<Permission> {
    fn from(spec: GrantsSpec) -> Self {
        let of_access = [
            (Access::Subscribe, spec.subscribe),
            (Access::Publish, spec.publish),
            (Access::DeadLetter, spec.dead_letter),
        ];
        let permissions = of_access.into_iter().flat_map(|(access, grantees)| {
            let grantees = grantees.into_iter();
            grantees.map(move |GranteeName(grantee)| Permission { grantee, access })
        });
        permissions.collect()
    }
}
