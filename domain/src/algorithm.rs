//! Algorithms and their published versions.

pub mod call_settings;
pub mod endpoint;
pub mod event;
pub mod publish_version;
pub mod register;
pub mod retire;
pub mod withdraw_version;

use std::collections::BTreeMap;

pub use call_settings::CallSettings;
pub use endpoint::{Endpoint, EndpointError};
pub use event::{
    AlgorithmRegistered, AlgorithmRetired, Protocol, VersionPublished, VersionWithdrawn,
};
pub use publish_version::PublishVersion;
pub use register::RegisterAlgorithm;
pub use retire::RetireAlgorithm;
pub use withdraw_version::WithdrawVersion;

use crate::command::{Keyed, State};
use crate::event::{
    Event, of_broker, of_cluster, of_command, of_grant, of_listener, of_organization, of_publisher,
    of_worker,
};
use crate::ids::AlgorithmId;
use crate::refusal::Refusal;
use crate::thing::Subject;
use crate::version::{Version, VersionSelector};

/// An algorithm as its stream tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Algorithm {
    pub registered: bool,
    pub retired: bool,
    /// Every version ever published, including the withdrawn.
    pub versions: BTreeMap<Version, VersionPublished>,
    /// The withdrawn versions, each with the reason that was given.
    pub withdrawn: BTreeMap<Version, Option<String>>,
}

/// Why a version selector picks nothing now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    #[error("the algorithm is retired")]
    Retired,
    #[error("version {version} is withdrawn{}", because(reason.as_deref()))]
    Withdrawn {
        version: Version,
        reason: Option<String>,
    },
    #[error("no published version matches")]
    NoMatch,
}

impl Algorithm {
    /// The versions that a selector may pick: published, not withdrawn.
    pub fn standing(&self) -> impl Iterator<Item = &Version> {
        let withdrawn = |version: &&Version| self.withdrawn.contains_key(*version);
        self.versions.keys().filter(move |v| !withdrawn(v))
    }

    /// The version that `selector` picks now.
    ///
    /// # Errors
    /// Why it picks none.
    pub fn resolve(&self, selector: &VersionSelector) -> Result<&VersionPublished, Unresolved> {
        if self.retired {
            return Err(Unresolved::Retired);
        }
        if let Some(version) = selector.resolve(self.standing()) {
            return self.versions.get(version).ok_or(Unresolved::NoMatch);
        }
        // Only a selector of exactly one version says that it was withdrawn.
        let asked = match selector {
            VersionSelector::Exact(_) => selector.resolve(self.withdrawn.keys()),
            VersionSelector::Minor { .. }
            | VersionSelector::Major { .. }
            | VersionSelector::Latest => None,
        };
        Err(
            asked.map_or(Unresolved::NoMatch, |version| Unresolved::Withdrawn {
                version: version.clone(),
                reason: self.withdrawn.get(version).cloned().flatten(),
            }),
        )
    }

    /// Refuses a selector that picks nothing now.
    pub(crate) fn check_resolves(
        &self,
        id: &AlgorithmId,
        selector: &VersionSelector,
    ) -> Result<(), Refusal> {
        let algorithm = id.clone();
        match self.resolve(selector) {
            Ok(_) => Ok(()),
            Err(Unresolved::Retired) => Err(Refusal::AlgorithmRetired(algorithm)),
            Err(Unresolved::Withdrawn { version, reason }) => Err(Refusal::VersionWithdrawn {
                algorithm,
                version,
                reason,
            }),
            Err(Unresolved::NoMatch) => Err(Refusal::UnknownVersion {
                algorithm,
                selector: selector.clone(),
            }),
        }
    }

    /// Refuses an algorithm that was never registered, or is retired.
    pub(crate) fn check_in_use(&self, id: &AlgorithmId) -> Result<(), Refusal> {
        if !self.registered {
            return Err(Refusal::UnknownAlgorithm(id.clone()));
        }
        if self.retired {
            return Err(Refusal::AlgorithmRetired(id.clone()));
        }
        Ok(())
    }

    /// Refuses an algorithm that may not be granted anything: none of its versions can be called.
    pub(crate) fn check_grantable(&self, id: &AlgorithmId) -> Result<(), Refusal> {
        self.check_in_use(id)?;
        if self.standing().next().is_none() {
            return Err(Refusal::NothingPublished(id.clone()));
        }
        Ok(())
    }
}

/// A reason as the end of a sentence; nothing where none was given.
pub(crate) fn because(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}

impl State for Algorithm {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::AlgorithmRegistered(_) => self.registered = true,
            Event::VersionPublished(published) => {
                self.versions
                    .insert(published.version.clone(), published.clone());
            }
            Event::VersionWithdrawn(e) => {
                self.withdrawn.insert(e.version.clone(), e.reason.clone());
            }
            Event::AlgorithmRetired(_) => self.retired = true,
            of_organization!()
            | of_broker!()
            | of_grant!()
            | of_listener!()
            | of_publisher!()
            | of_worker!()
            | of_cluster!()
            | of_command!() => {}
        }
    }
}

impl Keyed for Algorithm {
    type Key = AlgorithmId;

    fn key(event: &Event) -> Option<&AlgorithmId> {
        match event.subject() {
            Subject::Algorithm(id) => Some(id),
            Subject::Organization(_)
            | Subject::Broker(_)
            | Subject::Topic(_)
            | Subject::Worker(_)
            | Subject::Cluster
            | Subject::Command(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        algorithm_registered, algorithm_retired, version_published, version_withdrawn,
    };

    fn algorithm(events: &[Event]) -> Algorithm {
        let mut algorithm = Algorithm::default();
        algorithm.apply(&algorithm_registered("acme/score"));
        for event in events {
            algorithm.apply(event);
        }
        algorithm
    }

    fn resolve(algorithm: &Algorithm, selector: &str) -> Result<String, Unresolved> {
        let published = algorithm.resolve(&selector.parse().unwrap())?;
        Ok(published.version.to_string())
    }

    #[test]
    fn selectors_move_on_when_a_version_is_withdrawn_and_the_exact_one_says_why() {
        let algorithm = algorithm(&[
            version_published("acme/score", "1.0.0"),
            version_published("acme/score", "1.1.0"),
            version_withdrawn("acme/score", "1.1.0"),
        ]);
        for selector in ["latest", "1.*"] {
            assert_eq!(resolve(&algorithm, selector), Ok("1.0.0".to_owned()));
        }
        assert_eq!(resolve(&algorithm, "1.1.*"), Err(Unresolved::NoMatch));
        let gone = resolve(&algorithm, "1.1.0").unwrap_err();
        assert_eq!(gone.to_string(), "version 1.1.0 is withdrawn: it was wrong");
    }

    #[test]
    fn nothing_of_a_retired_algorithm_is_called() {
        let algorithm = algorithm(&[
            version_published("acme/score", "1.0.0"),
            algorithm_retired("acme/score"),
        ]);
        assert_eq!(resolve(&algorithm, "1.0.0"), Err(Unresolved::Retired));
    }
}
