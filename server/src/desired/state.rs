//! What a cluster is to hold, by names alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use domain::algorithm::Protocol;
use domain::grant::{Access, Grantee, Permission};
use domain::organization::Role;
use domain::{
    AlgorithmId, BrokerName, NameError, OrganizationName, TopicName, TopicPattern, UserName,
    Version, VersionSelector,
};
use serde::{Deserialize, Serialize};

use super::broker::BrokerSpec;
use super::document::{Document, Named, OrganizationSpec, PublisherSpec};
use super::settings::SettingsSpec;

pub(super) type Members = BTreeMap<UserName, Role>;

/// All that is named. What is not in it is not wanted, or not spoken of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State {
    pub(super) organizations: BTreeMap<OrganizationName, Members>,
    pub(super) algorithms: BTreeMap<AlgorithmId, AlgorithmSpec>,
    pub(super) brokers: BTreeMap<BrokerName, BrokerSpec>,
    /// No set is empty.
    pub(super) grants: BTreeMap<Scope, BTreeSet<Permission>>,
    pub(super) listeners: BTreeMap<Flow, ListenerSpec>,
    pub(super) publishers: BTreeMap<Flow, VersionSelector>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlgorithmSpec {
    /// Left out, it may be any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) versions: BTreeMap<Version, VersionSpec>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct VersionSpec {
    pub(super) endpoint: String,
    #[serde(default = "raw")]
    pub(super) protocol: Protocol,
    #[serde(default = "five_minutes")]
    pub(super) timeout_ms: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) withdrawn: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) withdrawn_reason: Option<String>,
}

const fn raw() -> Protocol {
    Protocol::Raw
}

const fn five_minutes() -> u32 {
    300_000
}

/// A topic of a broker, or all of its topics that a pattern covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "ScopeFields", into = "ScopeFields")]
pub(super) struct Scope {
    pub(super) broker: BrokerName,
    pub(super) covered: Covered,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Covered {
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

impl TryFrom<ScopeFields> for Scope {
    type Error = &'static str;

    fn try_from(fields: ScopeFields) -> Result<Self, Self::Error> {
        let covered = match (fields.topic, fields.pattern) {
            (Some(topic), None) => Covered::Topic(topic),
            (None, Some(pattern)) => Covered::Pattern(pattern),
            _ => return Err("grants have either a topic or a pattern"),
        };
        Ok(Self {
            broker: fields.broker,
            covered,
        })
    }
}

impl From<Scope> for ScopeFields {
    fn from(scope: Scope) -> Self {
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

impl fmt::Display for Scope {
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
pub(super) struct GrantsSpec {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    subscribe: BTreeSet<GranteeName>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    publish: BTreeSet<GranteeName>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct GranteeName(pub(super) Grantee);

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
        }
    }
}

impl From<GrantsSpec> for BTreeSet<Permission> {
    fn from(spec: GrantsSpec) -> Self {
        let permission = |access| move |GranteeName(grantee)| Permission { grantee, access };
        let subscribe = spec
            .subscribe
            .into_iter()
            .map(permission(Access::Subscribe));
        let publish = spec.publish.into_iter().map(permission(Access::Publish));
        subscribe.chain(publish).collect()
    }
}

/// What a listener or a publisher is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flow {
    pub(super) broker: BrokerName,
    pub(super) topic: TopicName,
    pub(super) algorithm: AlgorithmId,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} of {}", self.broker, self.topic, self.algorithm)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListenerSpec {
    pub(super) version: VersionSelector,
    pub(super) settings: SettingsSpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dlq: Option<TopicName>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) paused: bool,
}

impl State {
    /// Adds what a document says; it speaks of what no other speaks of.
    pub(super) fn add(&mut self, document: Document) {
        match document {
            Document::Organization(Named { name }, spec) => {
                self.organizations.insert(name, spec.members);
            }
            Document::Algorithm(Named { name }, spec) => {
                self.algorithms.insert(name, spec);
            }
            Document::Broker(Named { name }, spec) => {
                self.brokers.insert(name, spec);
            }
            Document::TopicGrants(scope, spec) => {
                let permissions = BTreeSet::from(spec);
                if !permissions.is_empty() {
                    self.grants.insert(scope, permissions);
                }
            }
            Document::Listener(flow, spec) => {
                self.listeners.insert(flow, spec);
            }
            Document::Publisher(flow, spec) => {
                self.publishers.insert(flow, spec.version);
            }
        }
    }

    /// The documents that say it, in an order that depends on the names alone.
    pub(super) fn documents(&self) -> Vec<Document> {
        let organizations = self.organizations.iter().map(|(name, members)| {
            let members = members.clone();
            Document::Organization(Named { name: name.clone() }, OrganizationSpec { members })
        });
        let algorithms = self
            .algorithms
            .iter()
            .map(|(name, spec)| Document::Algorithm(Named { name: name.clone() }, spec.clone()));
        let brokers = self
            .brokers
            .iter()
            .map(|(name, spec)| Document::Broker(Named { name: name.clone() }, spec.clone()));
        let grants = self.grants.iter();
        let grants = grants.map(|(scope, set)| Document::TopicGrants(scope.clone(), set.into()));
        let listeners = self.listeners.iter();
        let listeners =
            listeners.map(|(flow, spec)| Document::Listener(flow.clone(), spec.clone()));
        let publishers = self.publishers.iter().map(|(flow, version)| {
            let version = version.clone();
            Document::Publisher(flow.clone(), PublisherSpec { version })
        });
        organizations
            .chain(algorithms)
            .chain(brokers)
            .chain(grants)
            .chain(listeners)
            .chain(publishers)
            .collect()
    }

    /// Whether the grants permit the algorithm of `flow` that access to its topic.
    pub(super) fn permits(&self, flow: &Flow, access: Access) -> bool {
        self.grants.iter().any(|(scope, permissions)| {
            scope.covers(flow)
                && permissions
                    .iter()
                    .any(|p| p.covers(&flow.algorithm, access))
        })
    }
}

impl Scope {
    fn covers(&self, flow: &Flow) -> bool {
        self.broker == flow.broker
            && match &self.covered {
                Covered::Topic(topic) => *topic == flow.topic,
                Covered::Pattern(pattern) => pattern.covers(&flow.topic),
            }
    }
}
