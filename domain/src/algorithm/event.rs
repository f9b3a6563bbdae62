//! What happened to algorithms.

use serde::{Deserialize, Serialize};

use super::{CallSettings, WithdrawVersion, because};
use crate::describe::BrokerNames;
use crate::event::Payload;
use crate::ids::AlgorithmId;
use crate::thing::{Subject, Thing};
use crate::undo::{Inverse, NoUndo, Past, unless_changed};
use crate::version::Version;

/// An organization registered an algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlgorithmRegistered {
    pub algorithm: AlgorithmId,
    /// What it does, for people; may be empty.
    pub description: String,
}

/// A version was published. It never changes afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionPublished {
    pub algorithm: AlgorithmId,
    pub version: Version,
    /// Where it is called: an `http` or `https` URL.
    pub endpoint: String,
    pub protocol: Protocol,
    /// How long a call may take in all, in milliseconds.
    pub timeout_ms: u64,
    #[serde(flatten)]
    pub calls: CallSettings,
}

/// A version is no longer called. Listeners of exactly that version stand still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionWithdrawn {
    pub algorithm: AlgorithmId,
    pub version: Version,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The algorithm was retired: none of its versions can be called. Its name stays taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlgorithmRetired {
    pub algorithm: AlgorithmId,
}

/// How the answer of an endpoint is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Protocol {
    /// The status decides; the body of a 2xx is the result.
    Raw,
    /// The original product's envelope: `{"result": …}` or `{"error": …}`.
    Algorithmia,
}

impl Payload for AlgorithmRegistered {
    const NAME: &'static str = "AlgorithmRegistered";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Algorithm(&self.algorithm)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Algorithm(self.algorithm.clone())]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("registered the algorithm {}", self.algorithm)
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Final(
            "an algorithm keeps its name; retire it instead",
        ))
    }
}

impl Payload for VersionPublished {
    const NAME: &'static str = "VersionPublished";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Algorithm(&self.algorithm)
    }

    fn about(&self) -> Vec<Thing> {
        vec![
            Thing::Version(self.algorithm.clone(), self.version.clone()),
            Thing::Algorithm(self.algorithm.clone()),
        ]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("published {} {}", self.algorithm, self.version)
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        let now = &past.now.algorithm;
        unless_changed(!now.retired && !now.withdrawn.contains_key(&self.version))?;
        Ok(Box::new(WithdrawVersion {
            algorithm: self.algorithm.clone(),
            version: self.version.clone(),
            reason: None,
        }))
    }
}

impl Payload for VersionWithdrawn {
    const NAME: &'static str = "VersionWithdrawn";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Algorithm(&self.algorithm)
    }

    fn about(&self) -> Vec<Thing> {
        vec![
            Thing::Version(self.algorithm.clone(), self.version.clone()),
            Thing::Algorithm(self.algorithm.clone()),
        ]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        let reason = because(self.reason.as_deref());
        format!("withdrew {} {}{reason}", self.algorithm, self.version)
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Final(
            "a withdrawn version cannot be restored; publish another",
        ))
    }
}

impl Payload for AlgorithmRetired {
    const NAME: &'static str = "AlgorithmRetired";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Algorithm(&self.algorithm)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Algorithm(self.algorithm.clone())]
    }

    fn concerns(&self, thing: &Thing) -> bool {
        // Its versions can no longer be called either.
        matches!(
            thing,
            Thing::Algorithm(id) | Thing::Version(id, _) if *id == self.algorithm
        )
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("retired the algorithm {}", self.algorithm)
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Final("a retired algorithm cannot be restored"))
    }
}
