//! One step from what a cluster holds to what it is to hold.

use std::collections::BTreeSet;
use std::fmt;

use domain::grant::Permission;
use domain::organization::Role;
use domain::{
    AlgorithmId, BrokerName, OrganizationName, TopicName, UserName, Version, VersionSelector,
};

use super::broker::{BrokerSpec, Credential};
use super::settings::SettingsSpec;
use super::state::{Flow, GranteeName, ListenerSpec, Scope, VersionSpec};

/// One mutation of the API.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    CreateOrganization(OrganizationName),
    AddMember(Member, Role),
    GiveRole {
        member: Member,
        from: Role,
        to: Role,
    },
    RegisterAlgorithm {
        algorithm: AlgorithmId,
        description: Option<String>,
    },
    PublishVersion {
        algorithm: AlgorithmId,
        version: Version,
        spec: VersionSpec,
    },
    ConnectBroker {
        broker: BrokerName,
        spec: BrokerSpec,
    },
    RotateCredential {
        broker: BrokerName,
        from: Credential,
        to: Credential,
    },
    /// At most as many as the API takes at once.
    Grant(Scope, BTreeSet<Permission>),
    Listener(Flow, ListenerChange),
    Publisher(Flow, PublisherChange),
    WithdrawVersion {
        algorithm: AlgorithmId,
        version: Version,
        reason: Option<String>,
        /// It is withdrawn because nobody names it.
        unnamed: bool,
    },
    /// At most as many as the API takes at once.
    Revoke(Scope, BTreeSet<Permission>),
    DisconnectBroker(BrokerName),
    RetireAlgorithm(AlgorithmId),
    RemoveMember(Member),
}

/// Somebody in an organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) organization: OrganizationName,
    pub(super) name: UserName,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum ListenerChange {
    Enable(ListenerSpec),
    Version {
        from: VersionSelector,
        to: VersionSelector,
    },
    Settings {
        from: SettingsSpec,
        to: SettingsSpec,
    },
    SetDlq {
        from: Option<TopicName>,
        to: TopicName,
    },
    ClearDlq {
        from: TopicName,
    },
    Pause,
    Resume,
    Disable,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum PublisherChange {
    Enable(VersionSelector),
    Version {
        from: VersionSelector,
        to: VersionSelector,
    },
    Disable,
}

impl Change {
    /// Whether it takes away what is named nowhere.
    pub(super) fn removes(&self) -> bool {
        matches!(
            self,
            Self::Listener(_, ListenerChange::Disable)
                | Self::Publisher(_, PublisherChange::Disable)
                | Self::WithdrawVersion { unnamed: true, .. }
                | Self::Revoke(..)
                | Self::DisconnectBroker(_)
                | Self::RetireAlgorithm(_)
                | Self::RemoveMember(_)
        )
    }
}

/// Lines that begin with `+`, `~` or `-`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateOrganization(name) => write!(f, "+ organization {name}"),
            Self::AddMember(member, role) => write!(f, "+ member {member}: {role}"),
            Self::GiveRole { member, from, to } => {
                write!(f, "~ member {member}: {from} → {to}")
            }
            Self::RegisterAlgorithm { algorithm, .. } => write!(f, "+ algorithm {algorithm}"),
            Self::PublishVersion {
                algorithm,
                version,
                spec,
            } => write!(f, "+ version {algorithm} {version}: {}", spec.endpoint),
            Self::ConnectBroker { broker, .. } => write!(f, "+ broker {broker}"),
            Self::RotateCredential { broker, from, to } => {
                write!(f, "~ broker {broker}: credential {from} → {to}")
            }
            Self::Grant(scope, permissions) => write_grants(f, '+', scope, permissions),
            Self::Listener(flow, change) => write_listener(f, flow, change),
            Self::Publisher(flow, change) => write_publisher(f, flow, change),
            Self::WithdrawVersion {
                algorithm,
                version,
                unnamed,
                ..
            } => {
                let sign = if *unnamed { '-' } else { '~' };
                write!(f, "{sign} version {algorithm} {version}: withdrawn")
            }
            Self::Revoke(scope, permissions) => write_grants(f, '-', scope, permissions),
            Self::DisconnectBroker(broker) => write!(f, "- broker {broker}"),
            Self::RetireAlgorithm(algorithm) => write!(f, "- algorithm {algorithm}: retired"),
            Self::RemoveMember(member) => write!(f, "- member {member}"),
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.name, self.organization)
    }
}

fn write_listener(f: &mut fmt::Formatter<'_>, flow: &Flow, change: &ListenerChange) -> fmt::Result {
    match change {
        ListenerChange::Enable(spec) => {
            let paused = if spec.paused { ", paused" } else { "" };
            write!(f, "+ listener {flow}: version {}{paused}", spec.version)
        }
        ListenerChange::Version { from, to } => {
            write!(f, "~ listener {flow}: version {from} → {to}")
        }
        ListenerChange::Settings { from, to } => {
            write!(f, "~ listener {flow}: {}", from.changes(to).join(", "))
        }
        ListenerChange::SetDlq { from, to } => {
            let from = from.as_ref().map_or("none", TopicName::as_str);
            write!(f, "~ listener {flow}: dlq {from} → {to}")
        }
        ListenerChange::ClearDlq { from } => write!(f, "~ listener {flow}: dlq {from} → none"),
        ListenerChange::Pause => write!(f, "~ listener {flow}: paused"),
        ListenerChange::Resume => write!(f, "~ listener {flow}: resumed"),
        ListenerChange::Disable => write!(f, "- listener {flow}"),
    }
}

fn write_publisher(
    f: &mut fmt::Formatter<'_>,
    flow: &Flow,
    change: &PublisherChange,
) -> fmt::Result {
    match change {
        PublisherChange::Enable(version) => write!(f, "+ publisher {flow}: version {version}"),
        PublisherChange::Version { from, to } => {
            write!(f, "~ publisher {flow}: version {from} → {to}")
        }
        PublisherChange::Disable => write!(f, "- publisher {flow}"),
    }
}

fn write_grants(
    f: &mut fmt::Formatter<'_>,
    sign: char,
    scope: &Scope,
    permissions: &BTreeSet<Permission>,
) -> fmt::Result {
    for (index, Permission { grantee, access }) in permissions.iter().enumerate() {
        let end = if index == 0 { "" } else { "\n" };
        let grantee = String::from(GranteeName(grantee.clone()));
        write!(f, "{end}{sign} grant {scope}: {grantee} {access}")?;
    }
    Ok(())
}
