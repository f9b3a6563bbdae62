//! What keeps a desired state from being reached.

use domain::grant::{Access, Grantee};
use domain::{AlgorithmId, BrokerName, OrganizationName, TopicName, Version, VersionSelector};

use crate::actual::Actual;
use crate::state::State;
use crate::state::algorithm::AlgorithmSpec;
use crate::state::broker::BrokerSpec;
use crate::state::edge::Edge;
use crate::state::grant::Covered;
use crate::state::listener::ListenerSpec;

/// Why something cannot be applied, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error(
        "{by} names organization {organization}, which is neither in a document nor in the cluster"
    )]
    NoOrganization {
        by: String,
        organization: OrganizationName,
    },
    #[error("{by} names algorithm {algorithm}, which is {}", absent(*.prune))]
    NoAlgorithm {
        by: String,
        algorithm: AlgorithmId,
        prune: bool,
    },
    #[error("{by} names broker {broker}, which is {}", absent(*.prune))]
    NoBroker {
        by: String,
        broker: BrokerName,
        prune: bool,
    },
    #[error("{by} selects version {version}, and no version of {algorithm} matches it")]
    NoVersion {
        by: String,
        algorithm: AlgorithmId,
        version: VersionSelector,
    },
    #[error("{by} needs a grant: {algorithm} has no {access} grant on {broker}/{topic}")]
    NoGrant {
        by: String,
        algorithm: AlgorithmId,
        access: Access,
        broker: BrokerName,
        topic: TopicName,
    },
    #[error(
        "{by} needs a grant: {algorithm} has no DEAD_LETTER or PUBLISH grant on {broker}/{dlq}"
    )]
    NoDlqGrant {
        by: String,
        algorithm: AlgorithmId,
        broker: BrokerName,
        dlq: TopicName,
    },
    #[error("algorithm {0} is retired, and its name cannot be used again: choose another")]
    Retired(AlgorithmId),
    #[error("the description of algorithm {0} cannot be changed")]
    Description(AlgorithmId),
    #[error(
        "version {version} of {algorithm} is published and cannot be changed: publish another version"
    )]
    Published {
        algorithm: AlgorithmId,
        version: Version,
    },
    #[error(
        "version {version} of {algorithm} is withdrawn and cannot be restored: publish another version"
    )]
    Withdrawn {
        algorithm: AlgorithmId,
        version: Version,
    },
    #[error("version {version} of {algorithm} is already withdrawn, with another reason")]
    WithdrawnReason {
        algorithm: AlgorithmId,
        version: Version,
    },
    #[error(
        "the settings of broker {0} cannot be changed: connect another broker under another name, \
         and replace this one with it (`brokerReplace`)"
    )]
    Broker(BrokerName),
    #[error(
        "the start of {0} cannot be changed, because it has already started: leave out \
         settings.start, or disable the listener first"
    )]
    Start(String),
    #[error("{0} was never enabled: settings.start must say where it starts")]
    NoStart(String),
    #[error(
        "{0} cannot have a start, because its broker keeps no positions: leave out settings.start"
    )]
    NothingToStartAt(String),
    #[error(
        "{by} names topic {topic}, which broker {broker} does not have; if it is new, discover the \
         broker's topics again (`brokerTopicsDiscover`)"
    )]
    NoTopic {
        by: String,
        broker: BrokerName,
        topic: TopicName,
    },
}

/// Where something is missing: with `--prune`, what is only in the cluster would be removed.
fn absent(prune: bool) -> &'static str {
    if prune {
        "in no document"
    } else {
        "neither in a document nor in the cluster"
    }
}

/// Everything that keeps `desired` from being reached from `actual`.
pub(crate) fn problems(desired: &State, actual: &Actual, prune: bool) -> Vec<Problem> {
    let mut found = Check {
        desired,
        actual,
        prune,
        found: Vec::new(),
    };
    found.algorithms();
    found.brokers();
    found.grants();
    found.edges();
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
            if !wanted.is_called_like(present) {
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

    fn edges(&mut self) {
        for (edge, wanted) in &self.desired.listeners {
            let by = || format!("Listener {edge}");
            self.edge(edge, &wanted.version, Access::Subscribe, by);
            if let Some(dlq) = &wanted.dlq {
                self.dlq(edge, dlq, by);
            }
            self.start(edge, wanted, by);
        }
        for (edge, version) in &self.desired.publishers {
            self.edge(edge, version, Access::Publish, || {
                format!("Publisher {edge}")
            });
        }
    }

    fn start(&mut self, edge: &Edge, wanted: &ListenerSpec, by: impl Fn() -> String) {
        let broker = self
            .sources()
            .find_map(|state| state.brokers.get(&edge.broker));
        // Without its broker, the listener has another problem.
        let Some(broker) = broker else { return };
        let keeps_positions = matches!(broker, BrokerSpec::Kafka(_));
        let present = self.actual.state.listeners.get(edge);
        let problem = match wanted.settings.start {
            Some(_) if !keeps_positions => Problem::NothingToStartAt(by()),
            Some(start) if present.is_some_and(|present| present.settings.start != Some(start)) => {
                Problem::Start(by())
            }
            None if keeps_positions
                && present.is_none()
                && !self.actual.disabled.contains(edge) =>
            {
                Problem::NoStart(by())
            }
            Some(_) | None => return,
        };
        self.found.push(problem);
    }

    fn dlq(&mut self, edge: &Edge, dlq: &TopicName, by: impl Fn() -> String) {
        let queue = Edge {
            topic: dlq.clone(),
            ..edge.clone()
        };
        let mut taking = Access::TAKING_DEAD_LETTERS.into_iter();
        if !taking.any(|access| self.sources().any(|state| state.permits(&queue, access))) {
            self.found.push(Problem::NoDlqGrant {
                by: by(),
                algorithm: edge.algorithm.clone(),
                broker: edge.broker.clone(),
                dlq: dlq.clone(),
            });
        }
    }

    fn edge(
        &mut self,
        edge: &Edge,
        version: &VersionSelector,
        access: Access,
        by: impl Fn() -> String,
    ) {
        self.broker(&edge.broker, &by);
        self.algorithm(&edge.algorithm, &by);
        let permitted = self.sources().any(|state| state.permits(edge, access));
        if !permitted {
            self.found.push(Problem::NoGrant {
                by: by(),
                algorithm: edge.algorithm.clone(),
                access,
                broker: edge.broker.clone(),
                topic: edge.topic.clone(),
            });
        }
        let published = self
            .sources()
            .filter_map(|state| state.algorithms.get(&edge.algorithm));
        let mut published = published
            .flat_map(|algorithm| algorithm.versions.keys())
            .peekable();
        if published.peek().is_some() && version.resolve(published).is_none() {
            self.found.push(Problem::NoVersion {
                by: by(),
                algorithm: edge.algorithm.clone(),
                version: version.clone(),
            });
        }
    }

    /// What there will be: what documents name, and what the cluster holds unless it is pruned.
    fn sources(&self) -> impl Iterator<Item = &State> {
        let present = (!self.prune).then_some(&self.actual.state);
        std::iter::once(self.desired).chain(present)
    }

    fn organization(&mut self, organization: &OrganizationName, by: impl Fn() -> String) {
        // Organizations cannot be deleted.
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

/// The topics that a desired state names, each with a document that names it.
pub(crate) fn topics(desired: &State) -> Vec<(BrokerName, TopicName, String)> {
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
    let listeners = desired.listeners.iter().flat_map(|(edge, spec)| {
        let named = [Some(&edge.topic), spec.dlq.as_ref()].into_iter().flatten();
        named.map(move |topic| {
            (
                edge.broker.clone(),
                topic.clone(),
                format!("Listener {edge}"),
            )
        })
    });
    let publishers = desired.publishers.keys().map(|edge| {
        (
            edge.broker.clone(),
            edge.topic.clone(),
            format!("Publisher {edge}"),
        )
    });
    grants.chain(listeners).chain(publishers).collect()
}

#[cfg(test)]
mod tests;
