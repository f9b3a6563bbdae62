//! What of a desired state cannot be made so.

use domain::grant::{Access, Grantee};
use domain::{AlgorithmId, BrokerName, OrganizationName, TopicName, Version, VersionSelector};

use super::difference::Actual;
use super::state::{AlgorithmSpec, Covered, Flow, State};

/// Why something cannot be made so, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error(
        "{by} names the organization {organization}, which is in no document and not in the cluster"
    )]
    NoOrganization {
        by: String,
        organization: OrganizationName,
    },
    #[error("{by} names the algorithm {algorithm}, which is in no document{}", elsewhere(*.prune))]
    NoAlgorithm {
        by: String,
        algorithm: AlgorithmId,
        prune: bool,
    },
    #[error("{by} names the broker {broker}, which is in no document{}", elsewhere(*.prune))]
    NoBroker {
        by: String,
        broker: BrokerName,
        prune: bool,
    },
    #[error("{by} selects version {version}, which no version of {algorithm} matches")]
    NoVersion {
        by: String,
        algorithm: AlgorithmId,
        version: VersionSelector,
    },
    #[error("{by} has no grant: nothing permits {algorithm} to {access} {broker}/{topic}")]
    NoGrant {
        by: String,
        algorithm: AlgorithmId,
        access: Access,
        broker: BrokerName,
        topic: TopicName,
    },
    #[error("algorithm {0} is retired, and its name is not given again: use another")]
    Retired(AlgorithmId),
    #[error("the description of algorithm {0} cannot be changed")]
    Description(AlgorithmId),
    #[error(
        "version {version} of {algorithm} is published and never changes: publish another version"
    )]
    Published {
        algorithm: AlgorithmId,
        version: Version,
    },
    #[error("version {version} of {algorithm} is withdrawn for good: publish another version")]
    Withdrawn {
        algorithm: AlgorithmId,
        version: Version,
    },
    #[error("version {version} of {algorithm} is withdrawn already, with another reason")]
    WithdrawnReason {
        algorithm: AlgorithmId,
        version: Version,
    },
    #[error(
        "the settings of broker {0} never change: connect another under another name, and replace \
         this one by it (brokerReplace)"
    )]
    Broker(BrokerName),
    #[error("{0} starts elsewhere, which never changes: disable it first")]
    Start(String),
    #[error(
        "broker {broker} has no topic {topic}, which {by} names; if it is new, discover topics anew"
    )]
    NoTopic {
        by: String,
        broker: BrokerName,
        topic: TopicName,
    },
}

fn elsewhere(prune: bool) -> &'static str {
    if prune { "" } else { " and not in the cluster" }
}

/// All that keeps `desired` from being reached from `actual`.
pub(super) fn problems(desired: &State, actual: &Actual, prune: bool) -> Vec<Problem> {
    let mut found = Check {
        desired,
        actual,
        prune,
        found: Vec::new(),
    };
    found.algorithms();
    found.brokers();
    found.grants();
    found.flows();
    found.found
}

struct Check<'a> {
    desired: &'a State,
    actual: &'a Actual,
    prune: bool,
    found: Vec<Problem>,
}

impl Check<'_> {
    fn algorithms(&mut self) {
        for (algorithm, wanted) in &self.desired.algorithms {
            self.organization(&algorithm.organization, || format!("algorithm {algorithm}"));
            if self.actual.retired.contains(algorithm) {
                self.found.push(Problem::Retired(algorithm.clone()));
            }
            let Some(present) = self.actual.state.algorithms.get(algorithm) else {
                continue;
            };
            let described = wanted.description.as_deref();
            if described.is_some_and(|text| text != present.description.as_deref().unwrap_or("")) {
                self.found.push(Problem::Description(algorithm.clone()));
            }
            self.versions(algorithm, wanted, present);
        }
    }

    fn versions(
        &mut self,
        algorithm: &AlgorithmId,
        wanted: &AlgorithmSpec,
        present: &AlgorithmSpec,
    ) {
        for (version, wanted) in &wanted.versions {
            let Some(present) = present.versions.get(version) else {
                continue;
            };
            let (algorithm, version) = (algorithm.clone(), version.clone());
            if (&wanted.endpoint, wanted.protocol, wanted.timeout_ms)
                != (&present.endpoint, present.protocol, present.timeout_ms)
            {
                self.found.push(Problem::Published { algorithm, version });
            } else if present.withdrawn && !wanted.withdrawn {
                self.found.push(Problem::Withdrawn { algorithm, version });
            } else if present.withdrawn
                && wanted.withdrawn_reason.is_some()
                && wanted.withdrawn_reason != present.withdrawn_reason
            {
                self.found
                    .push(Problem::WithdrawnReason { algorithm, version });
            }
        }
    }

    fn brokers(&mut self) {
        for (broker, wanted) in &self.desired.brokers {
            let Some(present) = self.actual.state.brokers.get(broker) else {
                continue;
            };
            let alike = wanted.credential().map_or_else(
                || present.clone(),
                |credential| present.with_credential(credential),
            );
            if alike != *wanted {
                self.found.push(Problem::Broker(broker.clone()));
            }
        }
    }

    fn grants(&mut self) {
        for (scope, permissions) in &self.desired.grants {
            let by = || format!("TopicGrants {scope}");
            self.broker(&scope.broker, by);
            for permission in permissions {
                match &permission.grantee {
                    Grantee::Algorithm(algorithm) => self.algorithm(algorithm, by),
                    Grantee::Organization(organization) => self.organization(organization, by),
                }
            }
        }
    }

    fn flows(&mut self) {
        for (flow, wanted) in &self.desired.listeners {
            let by = || format!("Listener {flow}");
            self.flow(flow, &wanted.version, Access::Subscribe, by);
            let present = self.actual.state.listeners.get(flow);
            if present.is_some_and(|present| present.settings.start != wanted.settings.start) {
                self.found.push(Problem::Start(by()));
            }
        }
        for (flow, version) in &self.desired.publishers {
            self.flow(flow, version, Access::Publish, || {
                format!("Publisher {flow}")
            });
        }
    }

    fn flow(
        &mut self,
        flow: &Flow,
        version: &VersionSelector,
        access: Access,
        by: impl Fn() -> String,
    ) {
        self.broker(&flow.broker, &by);
        self.algorithm(&flow.algorithm, &by);
        let permitted = self.sources().any(|state| state.permits(flow, access));
        if !permitted {
            self.found.push(Problem::NoGrant {
                by: by(),
                algorithm: flow.algorithm.clone(),
                access,
                broker: flow.broker.clone(),
                topic: flow.topic.clone(),
            });
        }
        let published = self
            .sources()
            .filter_map(|state| state.algorithms.get(&flow.algorithm));
        let mut published = published
            .flat_map(|algorithm| algorithm.versions.keys())
            .peekable();
        if published.peek().is_some() && version.resolve(published).is_none() {
            self.found.push(Problem::NoVersion {
                by: by(),
                algorithm: flow.algorithm.clone(),
                version: version.clone(),
            });
        }
    }

    /// What will be there: what is named, and what is there already unless that is removed.
    fn sources(&self) -> impl Iterator<Item = &State> {
        let present = (!self.prune).then_some(&self.actual.state);
        std::iter::once(self.desired).chain(present)
    }

    fn organization(&mut self, organization: &OrganizationName, by: impl Fn() -> String) {
        // Organizations are never removed.
        let present = &self.actual.state.organizations;
        if !self.desired.organizations.contains_key(organization)
            && !present.contains_key(organization)
        {
            self.found.push(Problem::NoOrganization {
                by: by(),
                organization: organization.clone(),
            });
        }
    }

    fn algorithm(&mut self, algorithm: &AlgorithmId, by: impl Fn() -> String) {
        if !self
            .sources()
            .any(|state| state.algorithms.contains_key(algorithm))
        {
            self.found.push(Problem::NoAlgorithm {
                by: by(),
                algorithm: algorithm.clone(),
                prune: self.prune,
            });
        }
    }

    fn broker(&mut self, broker: &BrokerName, by: impl Fn() -> String) {
        if !self
            .sources()
            .any(|state| state.brokers.contains_key(broker))
        {
            self.found.push(Problem::NoBroker {
                by: by(),
                broker: broker.clone(),
                prune: self.prune,
            });
        }
    }
}

/// The topics of brokers that a desired state names, with a document that does.
pub(super) fn topics(desired: &State) -> Vec<(BrokerName, TopicName, String)> {
    let grants = desired
        .grants
        .keys()
        .filter_map(|scope| match &scope.covered {
            Covered::Topic(topic) => Some((
                scope.broker.clone(),
                topic.clone(),
                format!("TopicGrants {scope}"),
            )),
            Covered::Pattern(_) => None,
        });
    let listeners = desired.listeners.iter().flat_map(|(flow, spec)| {
        let named = [Some(&flow.topic), spec.dlq.as_ref()].into_iter().flatten();
        named.map(move |topic| {
            (
                flow.broker.clone(),
                topic.clone(),
                format!("Listener {flow}"),
            )
        })
    });
    let publishers = desired.publishers.keys().map(|flow| {
        (
            flow.broker.clone(),
            flow.topic.clone(),
            format!("Publisher {flow}"),
        )
    });
    grants.chain(listeners).chain(publishers).collect()
}
