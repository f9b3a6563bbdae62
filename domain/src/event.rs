//! Every event there is, and the stable name and schema version of each.

use crate::algorithm::{AlgorithmRegistered, AlgorithmRetired, VersionPublished, VersionWithdrawn};
use crate::broker::{
    BrokerConnected, BrokerCredentialsRotated, BrokerDisconnected, BrokerReplaced, TopicsDiscovered,
};
use crate::grant::{TopicGranted, TopicPatternGranted, TopicPatternRevoked, TopicRevoked};
use crate::listener::{
    DlqCleared, DlqSet, ListenerDisabled, ListenerEnabled, ListenerPaused, ListenerResumed,
    ListenerSettingsChanged, ListenerVersionChanged,
};
use crate::organization::{MemberAdded, MemberRemoved, MemberRoleChanged, OrganizationCreated};
use crate::publisher::{PublisherDisabled, PublisherEnabled, PublisherVersionChanged};
use crate::worker::{
    ConsumerFailed, ConsumerStarted, ConsumerStopped, ListenerBlocked, ListenerUnblocked,
    WorkerJoined, WorkerLeft,
};

macro_rules! events {
    ($($name:ident $version:literal,)*) => {
        /// Something that happened.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Event {
            $($name($name),)*
        }

        impl Event {
            /// The name and the newest schema version of every type, in the order of this file.
            pub const TYPES: &[(&str, u32)] = &[$((stringify!($name), $version),)*];

            /// The stable name of the type.
            #[must_use]
            pub fn type_name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }

            /// The schema version that new events of the type are written in.
            #[must_use]
            pub fn schema_version(&self) -> u32 {
                match self {
                    $(Self::$name(_) => $version,)*
                }
            }

            pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
                match self {
                    $(Self::$name(payload) => serde_json::to_vec(payload),)*
                }
            }

            /// Reads a payload of the newest schema version; `None` where there is no such type.
            pub(crate) fn from_json(
                type_name: &str,
                payload: serde_json::Value,
            ) -> Option<serde_json::Result<Self>> {
                match type_name {
                    $(stringify!($name) => {
                        Some(serde_json::from_value(payload).map(Self::$name))
                    })*
                    _ => None,
                }
            }
        }

        $(impl From<$name> for Event {
            fn from(payload: $name) -> Self {
                Self::$name(payload)
            }
        })*
    };
}

// A name never changes; a changed payload is a higher version with a step in `upcast`.
events! {
    OrganizationCreated 1,
    MemberAdded 1,
    MemberRoleChanged 1,
    MemberRemoved 1,
    AlgorithmRegistered 1,
    VersionPublished 1,
    VersionWithdrawn 1,
    AlgorithmRetired 1,
    BrokerConnected 1,
    BrokerCredentialsRotated 1,
    TopicsDiscovered 1,
    TopicPatternGranted 1,
    TopicPatternRevoked 1,
    BrokerReplaced 1,
    BrokerDisconnected 1,
    TopicGranted 2,
    TopicRevoked 2,
    ListenerEnabled 1,
    ListenerVersionChanged 1,
    ListenerSettingsChanged 1,
    ListenerPaused 1,
    ListenerResumed 1,
    ListenerDisabled 1,
    DlqSet 1,
    DlqCleared 1,
    PublisherEnabled 1,
    PublisherVersionChanged 1,
    PublisherDisabled 1,
    WorkerJoined 1,
    WorkerLeft 1,
    ConsumerStarted 1,
    ConsumerStopped 1,
    ConsumerFailed 1,
    ListenerBlocked 1,
    ListenerUnblocked 1,
}
