//! Grants: an administrator's permission for an algorithm to read or write a topic.

pub mod add;
pub mod event;
pub mod revoke;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use add::Grant;
pub use event::{TopicGranted, TopicRevoked};
pub use revoke::Revoke;

/// What a grant permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Access {
    /// The algorithm may be fed from the topic.
    Subscribe,
    /// The algorithm's results may be written to the topic.
    Publish,
}

impl Access {
    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subscribe => "SUBSCRIBE",
            Self::Publish => "PUBLISH",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
