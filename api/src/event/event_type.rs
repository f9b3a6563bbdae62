//! The types of events, as an enum.

use async_graphql::Enum;

macro_rules! event_types {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What kind of event it is. Types are added over time: keep a branch for unknown ones.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
        pub enum EventType {
            $($(#[$doc])* $name,)*
        }

        impl EventType {
            const ALL: &[(Self, &str)] = &[$((Self::$name, stringify!($name)),)*];
        }
    };
}

event_types! {
    /// An organization was created.
    OrganizationCreated,
    /// A member was added to an organization.
    MemberAdded,
    /// A member got another role.
    MemberRoleChanged,
    /// A member was removed from an organization.
    MemberRemoved,
    /// An algorithm was registered.
    AlgorithmRegistered,
    /// A version was published.
    VersionPublished,
    /// A version was withdrawn.
    VersionWithdrawn,
    /// An algorithm was retired.
    AlgorithmRetired,
    /// A broker was connected.
    BrokerConnected,
    /// A broker got another credential.
    BrokerCredentialsRotated,
    /// The list of a broker's topics changed.
    TopicsChanged,
    /// The topics that match a pattern were granted.
    TopicPatternGranted,
    /// A grant of a pattern was revoked.
    TopicPatternRevoked,
    /// Another broker took over.
    BrokerReplaced,
    /// A broker was disconnected.
    BrokerDisconnected,
    /// A topic was granted.
    TopicGranted,
    /// A grant of a topic was revoked.
    TopicRevoked,
    /// A listener was enabled.
    ListenerEnabled,
    /// A listener switched to another version.
    ListenerVersionChanged,
    /// The settings of a listener changed.
    ListenerSettingsChanged,
    /// A listener was paused.
    ListenerPaused,
    /// A listener was resumed.
    ListenerResumed,
    /// The position of a listener was reset.
    ListenerPositionReset,
    /// A listener was disabled.
    ListenerDisabled,
    /// A listener got a dead letter queue.
    DlqSet,
    /// The dead letter queue of a listener was removed.
    DlqCleared,
    /// A publisher was enabled.
    PublisherEnabled,
    /// A publisher switched to another version.
    PublisherVersionChanged,
    /// A publisher was disabled.
    PublisherDisabled,
    /// A worker joined.
    WorkerJoined,
    /// A worker left.
    WorkerLeft,
    /// A worker reported that a consumer runs.
    ConsumerStarted,
    /// A worker reported that a consumer has stopped.
    ConsumerStopped,
    /// A worker reported that a consumer has failed.
    ConsumerFailed,
    /// A worker reported that a listener holds its position.
    ListenerBlocked,
    /// A worker reported that a listener consumes again.
    ListenerUnblocked,
    /// The read models were rebuilt from the log.
    ReadModelsRebuilt,
    /// The workers began to decide in a journal.
    JournalAdopted,
    /// A mutation with an idempotency key had nothing to do.
    NothingChanged,
}

impl EventType {
    /// The type that the log calls by this name; none where this program does not know it.
    pub(super) fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(known, _)| *known)
    }

    /// What the log calls it.
    pub(crate) fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(known, _)| *known == self);
        found.expect("every type has a name").1
    }
}

#[cfg(test)]
mod tests {
    use domain::Event;

    use super::*;

    #[test]
    fn every_event_has_its_type_and_every_type_its_event() {
        let names: Vec<&str> = EventType::ALL.iter().map(|(_, name)| *name).collect();
        let types: Vec<&str> = Event::TYPES.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, types);
    }
}
