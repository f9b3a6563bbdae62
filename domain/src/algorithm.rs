//! Algorithms and their published versions.

pub mod event;
pub mod publish_version;
pub mod register;

use std::collections::BTreeMap;

pub use event::{AlgorithmRegistered, Protocol, VersionPublished};
pub use publish_version::PublishVersion;
pub use register::RegisterAlgorithm;

use crate::command::State;
use crate::event::Event;
use crate::ids::AlgorithmId;
use crate::refusal::Refusal;
use crate::version::{Version, VersionSelector};

/// An algorithm as its stream tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Algorithm {
    pub registered: bool,
    pub versions: BTreeMap<Version, VersionPublished>,
}

impl Algorithm {
    /// The version that `selector` picks now.
    #[must_use]
    pub fn resolve(&self, selector: &VersionSelector) -> Option<&VersionPublished> {
        let version = selector.resolve(self.versions.keys())?;
        self.versions.get(version)
    }

    /// Refuses a selector that picks nothing now.
    pub(crate) fn check_resolves(
        &self,
        id: &AlgorithmId,
        selector: &VersionSelector,
    ) -> Result<(), Refusal> {
        if self.resolve(selector).is_some() {
            return Ok(());
        }
        Err(Refusal::UnknownVersion {
            algorithm: id.clone(),
            selector: selector.clone(),
        })
    }
}

impl State for Algorithm {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::AlgorithmRegistered(_) => self.registered = true,
            Event::VersionPublished(published) => {
                self.versions
                    .insert(published.version.clone(), published.clone());
            }
            _ => {}
        }
    }
}
