//! Every event there is, and what each says of itself.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::algorithm::{AlgorithmRegistered, AlgorithmRetired, VersionPublished, VersionWithdrawn};
use crate::broker::{
    BrokerConnected, BrokerCredentialsRotated, BrokerDisconnected, BrokerReplaced, TopicsChanged,
};
use crate::cluster::{JournalAdopted, ReadModelsRebuilt};
use crate::command::NothingChanged;
use crate::describe::BrokerNames;
use crate::grant::{TopicGranted, TopicPatternGranted, TopicPatternRevoked, TopicRevoked};
use crate::listener::{
    DlqCleared, DlqSet, ListenerDisabled, ListenerEnabled, ListenerPaused, ListenerPositionReset,
    ListenerResumed, ListenerSettingsChanged, ListenerVersionChanged,
};
use crate::organization::{MemberAdded, MemberRemoved, MemberRoleChanged, OrganizationCreated};
use crate::publisher::{PublisherDisabled, PublisherEnabled, PublisherVersionChanged};
use crate::thing::{Subject, Thing};
use crate::undo::{Inverse, NoUndo, Past};
use crate::worker::{
    ConsumerFailed, ConsumerStarted, ConsumerStopped, ListenerBlocked, ListenerUnblocked,
    WorkerJoined, WorkerLeft,
};

/// What an event says of itself. It is implemented beside the type, in the folder of its noun.
pub trait Payload: Serialize + DeserializeOwned {
    /// The stable name of the type. It never changes.
    const NAME: &'static str;

    /// The schema version that it is written in. A changed payload is a higher version with a
    /// step in `upcast`.
    const VERSION: u32;

    /// The thing whose stream it belongs to.
    fn subject(&self) -> Subject<'_>;

    /// The things whose rows or history it changes.
    fn about(&self) -> Vec<Thing>;

    /// Whether it belongs to the history of `thing`.
    fn concerns(&self, thing: &Thing) -> bool {
        self.about().contains(thing)
    }

    /// What was done, from the verb on: "granted SUBSCRIBE on orders to acme/score".
    fn describe(&self, names: &BrokerNames) -> String;

    /// The command that takes it back.
    ///
    /// # Errors
    /// Why there is none.
    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo>;
}

impl Event {
    /// The things of its own stream that it is about. Its revision in the stream is theirs from
    /// then on. What it changes in other streams, such as a count, revises nothing there.
    #[must_use]
    pub fn revises(&self) -> Vec<Thing> {
        let stream = self.subject().stream();
        let mut things = self.about();
        things.retain(|thing| thing.stream() == stream);
        things
    }
}

/// Lists the events by what they are about. Each group comes with a pattern that all of its events
/// match, so that a match on events which ignores a group need not name them.
macro_rules! events {
    ($($pattern:ident { $($of:ident,)* })*) => {
        $(
            /// A pattern that matches the events of this group.
            #[macro_export]
            macro_rules! $pattern {
                () => { $($crate::Event::$of(_))|* };
            }
            pub(crate) use $pattern;
        )*

        events!($($($of,)*)*);
    };
    ($($name:ident,)*) => {
        /// Something that happened.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Event {
            $($name($name),)*
        }

        impl Event {
            /// The name and the newest schema version of every type, in the order of this file.
            pub const TYPES: &[(&str, u32)] = &[$(($name::NAME, $name::VERSION),)*];

            /// The stable name of the type.
            #[must_use]
            pub fn type_name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $name::NAME,)*
                }
            }

            /// The schema version that new events of the type are written in.
            #[must_use]
            pub fn schema_version(&self) -> u32 {
                match self {
                    $(Self::$name(_) => $name::VERSION,)*
                }
            }

            /// The thing whose stream it belongs to.
            #[must_use]
            pub fn subject(&self) -> Subject<'_> {
                match self {
                    $(Self::$name(payload) => payload.subject(),)*
                }
            }

            /// The things whose rows or history it changes.
            #[must_use]
            pub fn about(&self) -> Vec<Thing> {
                match self {
                    $(Self::$name(payload) => payload.about(),)*
                }
            }

            /// Whether it belongs to the history of `thing`.
            #[must_use]
            pub fn concerns(&self, thing: &Thing) -> bool {
                match self {
                    $(Self::$name(payload) => payload.concerns(thing),)*
                }
            }

            /// What was done, from the verb on.
            #[must_use]
            pub fn describe(&self, names: &BrokerNames) -> String {
                match self {
                    $(Self::$name(payload) => payload.describe(names),)*
                }
            }

            /// The command that takes it back.
            ///
            /// # Errors
            /// Why there is none.
            pub fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
                match self {
                    $(Self::$name(payload) => payload.inverse(past),)*
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
                    $($name::NAME => {
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

events! {
    of_organization {
        OrganizationCreated,
        MemberAdded,
        MemberRoleChanged,
        MemberRemoved,
    }
    of_algorithm {
        AlgorithmRegistered,
        VersionPublished,
        VersionWithdrawn,
        AlgorithmRetired,
    }
    of_broker {
        BrokerConnected,
        BrokerCredentialsRotated,
        TopicsChanged,
        TopicPatternGranted,
        TopicPatternRevoked,
        BrokerReplaced,
        BrokerDisconnected,
    }
    of_grant {
        TopicGranted,
        TopicRevoked,
    }
    of_listener {
        ListenerEnabled,
        ListenerVersionChanged,
        ListenerSettingsChanged,
        ListenerPaused,
        ListenerResumed,
        ListenerPositionReset,
        ListenerDisabled,
        DlqSet,
        DlqCleared,
    }
    of_publisher {
        PublisherEnabled,
        PublisherVersionChanged,
        PublisherDisabled,
    }
    of_worker {
        WorkerJoined,
        WorkerLeft,
        ConsumerStarted,
        ConsumerStopped,
        ConsumerFailed,
        ListenerBlocked,
        ListenerUnblocked,
    }
    of_cluster {
        ReadModelsRebuilt,
        JournalAdopted,
    }
    of_command {
        NothingChanged,
    }
}
