//! The inverse of an event: the command that takes it back, or why there is none.

mod algorithm;
mod broker;
mod grant;
mod listener;
mod organization;
mod publisher;

use crate::algorithm::{Algorithm, WithdrawVersion};
use crate::broker::{Broker, DisconnectBroker, RotateCredentials};
use crate::command::State;
use crate::event::Event;
use crate::flow::Flows;
use crate::grant::{EditGrants, EditPatternGrants};
use crate::listener::{
    ChangeListenerSettings, ChangeListenerVersion, ClearDlq, DisableListener, EnableListener,
    PauseListener, ResumeListener, SetDlq,
};
use crate::organization::{AddMember, ChangeMemberRole, Organization, RemoveMember};
use crate::publisher::{ChangePublisherVersion, DisablePublisher, EnablePublisher};
use crate::topic::Topic;

/// A command that takes an event back. It is decided like any other, and may be refused.
#[derive(Clone, Debug)]
pub enum Inverse {
    AddMember(AddMember),
    ChangeMemberRole(ChangeMemberRole),
    RemoveMember(RemoveMember),
    WithdrawVersion(WithdrawVersion),
    DisconnectBroker(DisconnectBroker),
    RotateCredentials(RotateCredentials),
    EditGrants(EditGrants),
    EditPatternGrants(EditPatternGrants),
    EnableListener(Box<EnableListener>),
    DisableListener(DisableListener),
    ChangeListenerVersion(ChangeListenerVersion),
    ChangeListenerSettings(Box<ChangeListenerSettings>),
    PauseListener(PauseListener),
    ResumeListener(ResumeListener),
    SetDlq(SetDlq),
    ClearDlq(ClearDlq),
    EnablePublisher(EnablePublisher),
    DisablePublisher(DisablePublisher),
    ChangePublisherVersion(ChangePublisherVersion),
}

/// Why an event cannot be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoUndo {
    /// What it did does not end otherwise than by something new.
    #[error("{0}")]
    Final(&'static str),
    /// A worker saw it. It is no decision of anybody.
    #[error("it was seen to happen, and nobody decided it")]
    Seen,
    /// What it did is no longer so: to undo it would undo something else.
    #[error("it has been changed since")]
    ChangedSince,
}

/// What the thing that an event is about was or is, folded from its stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub organization: Organization,
    pub algorithm: Algorithm,
    pub broker: Broker,
    pub topic: Topic,
}

/// What an inverse is made from.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// Everything before the event in its stream.
    pub before: &'a Standing,
    /// Everything in its stream.
    pub now: &'a Standing,
    /// The flows that are enabled now, as far as the caller knows.
    pub flows: &'a Flows,
}

impl State for Standing {
    fn apply(&mut self, event: &Event) {
        self.organization.apply(event);
        self.algorithm.apply(event);
        self.broker.apply(event);
        self.topic.apply(event);
    }
}

/// The command that takes `event` back.
///
/// # Errors
/// Why there is none.
pub fn undo(event: &Event, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    use Event as E;
    match event {
        E::OrganizationCreated(_) => Err(NoUndo::Final("an organization does not end")),
        E::MemberAdded(e) => organization::member_added(e, past),
        E::MemberRoleChanged(e) => organization::role_changed(e, past),
        E::MemberRemoved(e) => organization::member_removed(e, past),
        E::AlgorithmRegistered(_) => Err(NoUndo::Final(
            "an algorithm keeps its name; retire it instead",
        )),
        E::VersionPublished(e) => algorithm::published(e, past),
        E::VersionWithdrawn(_) => Err(NoUndo::Final(
            "a withdrawn version does not come back; publish another",
        )),
        E::AlgorithmRetired(_) => Err(NoUndo::Final("what is retired does not come back")),
        E::BrokerConnected(e) => broker::connected(e, past),
        E::BrokerCredentialsRotated(e) => broker::rotated(e, past),
        E::BrokerReplaced(_) => Err(NoUndo::Final(
            "a broker that was replaced does not come back; replace the other one",
        )),
        E::BrokerDisconnected(_) => Err(NoUndo::Final(
            "a broker that ended does not come back; connect the broker again",
        )),
        E::TopicPatternGranted(e) => grant::pattern_granted(e, past),
        E::TopicPatternRevoked(e) => grant::pattern_revoked(e, past),
        E::TopicGranted(e) => grant::granted(e, past),
        E::TopicRevoked(e) => grant::revoked(e, past),
        E::ListenerEnabled(e) => listener::enabled(e, past),
        E::ListenerVersionChanged(e) => listener::version_changed(e, past),
        E::ListenerSettingsChanged(e) => listener::settings_changed(e, past),
        E::ListenerPaused(e) => listener::paused(e, past),
        E::ListenerResumed(e) => listener::resumed(e, past),
        E::ListenerDisabled(e) => listener::disabled(e, past),
        E::DlqSet(e) => listener::dlq_set(e, past),
        E::DlqCleared(e) => listener::dlq_cleared(e, past),
        E::PublisherEnabled(e) => publisher::enabled(e, past),
        E::PublisherVersionChanged(e) => publisher::version_changed(e, past),
        E::PublisherDisabled(e) => publisher::disabled(e, past),
        E::TopicsDiscovered(_)
        | E::WorkerJoined(_)
        | E::WorkerLeft(_)
        | E::ConsumerStarted(_)
        | E::ConsumerStopped(_)
        | E::ConsumerFailed(_)
        | E::ListenerBlocked(_)
        | E::ListenerUnblocked(_) => Err(NoUndo::Seen),
    }
}

/// Refuses where what the event did is no longer so.
fn unless_changed(so: bool) -> Result<(), NoUndo> {
    if so {
        Ok(())
    } else {
        Err(NoUndo::ChangedSince)
    }
}

#[cfg(test)]
mod tests;
