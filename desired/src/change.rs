//! One step from what a cluster holds to what it should hold.

use std::collections::BTreeSet;
use std::fmt;

use domain::grant::Permission;
use domain::organization::Role;
use domain::{AlgorithmId, BrokerName, OrganizationName, UserName, Version, VersionSelector};

use crate::state::algorithm::VersionSpec;
use crate::state::broker::{BrokerSpec, Credential};
use crate::state::edge::Edge;
use crate::state::grant::{GranteeName, TopicScope};
use crate::state::listener::ListenerSpec;

/// What one mutation of the API changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
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
    /// At most as many as the API accepts at once.
    Grant(TopicScope, BTreeSet<Permission>),
    Listener(Edge, ListenerChange),
    Publisher(Edge, PublisherChange),
    WithdrawVersion {
        algorithm: AlgorithmId,
        version: Version,
        reason: Option<String>,
        /// No document names it.
        unnamed: bool,
    },
    /// At most as many as the API accepts at once.
    Revoke(TopicScope, BTreeSet<Permission>),
    DisconnectBroker(BrokerName),
    RetireAlgorithm(AlgorithmId),
    RemoveMember(Member),
}

/// A member of an organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Member {
    pub(crate) organization: OrganizationName,
    pub(crate) name: UserName,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ListenerChange {
    Enable(Box<ListenerSpec>),
    /// Everything that differs but whether it is paused, at once.
    Update {
        from: Box<ListenerSpec>,
        to: Box<ListenerSpec>,
    },
    Pause,
    Resume,
    Disable,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PublisherChange {
    Enable(VersionSelector),
    Version {
        from: VersionSelector,
        to: VersionSelector,
    },
    Disable,
}

impl Change {
    /// How many things it adds, changes or removes: the lines that show it.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Grant(_, permissions) | Self::Revoke(_, permissions) => permissions.len(),
            _ => 1,
        }
    }

    /// Whether it removes what no document names.
    pub(crate) fn removes(&self) -> bool {
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
            Self::Listener(edge, change) => write_listener(f, edge, change),
            Self::Publisher(edge, change) => write_publisher(f, edge, change),
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

fn write_listener(f: &mut fmt::Formatter<'_>, edge: &Edge, change: &ListenerChange) -> fmt::Result {
    match change {
        ListenerChange::Enable(spec) => {
            let paused = if spec.paused { ", paused" } else { "" };
            write!(f, "+ listener {edge}: version {}{paused}", spec.version)
        }
        ListenerChange::Update { from, to } => {
            write!(f, "~ listener {edge}: {}", from.changes(to).join(", "))
        }
        ListenerChange::Pause => write!(f, "~ listener {edge}: paused"),
        ListenerChange::Resume => write!(f, "~ listener {edge}: resumed"),
        ListenerChange::Disable => write!(f, "- listener {edge}"),
    }
}

fn write_publisher(
    f: &mut fmt::Formatter<'_>,
    edge: &Edge,
    change: &PublisherChange,
) -> fmt::Result {
    match change {
        PublisherChange::Enable(version) => write!(f, "+ publisher {edge}: version {version}"),
        PublisherChange::Version { from, to } => {
            write!(f, "~ publisher {edge}: version {from} → {to}")
        }
        PublisherChange::Disable => write!(f, "- publisher {edge}"),
    }
}

fn write_grants(
    f: &mut fmt::Formatter<'_>,
    sign: char,
    scope: &TopicScope,
    permissions: &BTreeSet<Permission>,
) -> fmt::Result {
    for (index, Permission { grantee, access }) in permissions.iter().enumerate() {
        let end = if index == 0 { "" } else { "\n" };
        let grantee = String::from(GranteeName(grantee.clone()));
        write!(f, "{end}{sign} grant {scope}: {grantee} {access}")?;
    }
    Ok(())
}
