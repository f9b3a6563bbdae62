//! What a cluster holds or should hold, by names alone: the value that both sides are compared as.

pub(crate) mod algorithm;
pub(crate) mod batching;
pub(crate) mod broker;
pub(crate) mod edge;
pub(crate) mod grant;
pub(crate) mod listener;
pub(crate) mod number;
pub(crate) mod sampling;
pub(crate) mod settings;

use std::collections::{BTreeMap, BTreeSet};

use domain::grant::{Access, Permission};
use domain::organization::Role;
use domain::{AlgorithmId, BrokerName, OrganizationName, UserName, VersionSelector};

use self::algorithm::AlgorithmSpec;
use self::broker::BrokerSpec;
use self::edge::Edge;
use self::grant::TopicScope;
use self::listener::ListenerSpec;

pub(crate) type Members = BTreeMap<UserName, Role>;

/// Everything that has a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) organizations: BTreeMap<OrganizationName, Members>,
    pub(crate) algorithms: BTreeMap<AlgorithmId, AlgorithmSpec>,
    pub(crate) brokers: BTreeMap<BrokerName, BrokerSpec>,
    /// No set is empty.
    pub(crate) grants: BTreeMap<TopicScope, BTreeSet<Permission>>,
    pub(crate) listeners: BTreeMap<Edge, ListenerSpec>,
    pub(crate) publishers: BTreeMap<Edge, VersionSelector>,
}

impl State {
    /// Whether the grants permit the algorithm of `edge` that access to its topic.
    pub(crate) fn permits(&self, edge: &Edge, access: Access) -> bool {
        self.grants.iter().any(|(scope, permissions)| {
            scope.covers(edge)
                && permissions
                    .iter()
                    .any(|permission| permission.covers(&edge.algorithm, access))
        })
    }

    /// How many things there are that can be removed.
    pub(crate) fn removable(&self) -> usize {
        let versions = self
            .algorithms
            .values()
            .flat_map(|one| one.versions.values());
        let versions = versions.filter(|version| !version.withdrawn).count();
        let members: usize = self.organizations.values().map(Members::len).sum();
        let grants: usize = self.grants.values().map(BTreeSet::len).sum();
        let flows = self.listeners.len() + self.publishers.len();
        self.algorithms.len() + self.brokers.len() + versions + members + grants + flows
    }
}
