//! What happened to algorithms.

use serde::{Deserialize, Serialize};

use crate::ids::AlgorithmId;
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
}

/// A version is called no more. What names exactly that version stands still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionWithdrawn {
    pub algorithm: AlgorithmId,
    pub version: Version,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The algorithm is over. Its name is not given to another.
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
