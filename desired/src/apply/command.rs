//! The mutation that makes a change.

use std::collections::BTreeSet;

use client::Mutation;
use domain::grant::{Grantee, Permission};
use domain::organization::Role;
use domain::{AlgorithmId, BrokerName, OrganizationName, TopicName, Version};
use serde_json::{Value, json};

use super::{Apply, ApplyError};
use crate::change::{Change, ListenerChange, Member, PublisherChange};
use crate::state::algorithm::VersionSpec;
use crate::state::edge::Edge;
use crate::state::grant::{Covered, TopicScope};
use crate::state::listener::ListenerSpec;

/// A mutation, and what it expects.
pub(super) struct Command {
    pub(super) mutation: Mutation,
    pub(super) guarded: Guarded,
}

/// What a mutation is refused for, if somebody was faster.
pub(super) enum Guarded {
    /// The name is taken.
    ByName,
    /// What has that id is not as it was read.
    AsRead(String),
    /// There is something by now.
    NothingYet,
}

/// What is read back of an entity.
const ENTITY: &str = "id revision";

/// What is read back of a listener or a publisher: its topic counts those that are enabled.
const EDGE: &str = "id revision topic { id revision }";

/// What is read back of what grants are on.
const HOLDER: &str = "... on Node { id } ... on Topic { revision } ... on Broker { revision }";

/// What is read back of a version: its algorithm counts it.
const VERSION: &str = "id revision algorithm { id revision }";

impl Command {
    fn new(name: &'static str, entity: &'static str, input: Value) -> Self {
        Self::returning(Mutation::new(name, input), entity)
    }

    /// A change of the entity with that id, if it is as it was read.
    fn of(name: &'static str, entity: &'static str, id: String, input: Value) -> Self {
        Self::returning(Mutation::of(name, &id, input), entity).guarded(id)
    }

    fn returning(mutation: Mutation, entity: &'static str) -> Self {
        let selection = match entity {
            "listener" | "publisher" => EDGE,
            "version" => VERSION,
            "holder" => HOLDER,
            _ => ENTITY,
        };
        Self {
            mutation: mutation.returning(entity, selection),
            guarded: Guarded::ByName,
        }
    }

    fn guarded(self, id: String) -> Self {
        let guarded = Guarded::AsRead(id);
        Self { guarded, ..self }
    }

    /// Enables what has that id, if it was there before.
    fn enabling(self, id: Option<&String>) -> Self {
        let guarded = id.cloned().map_or(Guarded::NothingYet, Guarded::AsRead);
        Self { guarded, ..self }
    }
}

type Made = Result<Command, ApplyError>;

impl Apply<'_> {
    pub(super) async fn command(&mut self, change: &Change) -> Made {
        match change {
            Change::CreateOrganization(name) => {
                let input = json!({ "name": name });
                Ok(Command::new("organizationCreate", "organization", input))
            }
            Change::AddMember(member, role) => {
                self.member("organizationMemberAdd", member, Some(*role))
            }
            Change::GiveRole { member, to, .. } => {
                self.member("organizationMemberUpdate", member, Some(*to))
            }
            Change::RemoveMember(member) => self.member("organizationMemberRemove", member, None),
            Change::RegisterAlgorithm {
                algorithm,
                description,
            } => {
                let input = json!({
                    "organizationId": self.organization(&algorithm.organization)?,
                    "name": algorithm.name,
                    "description": description.clone().unwrap_or_default(),
                });
                Ok(Command::new("algorithmRegister", "algorithm", input))
            }
            Change::PublishVersion {
                algorithm,
                version,
                spec,
            } => self.publish(algorithm, version, spec),
            Change::WithdrawVersion {
                algorithm,
                version,
                reason,
                ..
            } => {
                let id = self.version(algorithm, version)?;
                let input = json!({ "reason": reason });
                Ok(Command::of("versionWithdraw", "version", id, input))
            }
            Change::RetireAlgorithm(algorithm) => {
                let id = self.algorithm(algorithm)?;
                Ok(Command::of("algorithmRetire", "algorithm", id, json!({})))
            }
            Change::ConnectBroker { broker, spec } => {
                let input = json!({ "name": broker, "settings": spec, "waitMs": 30_000 });
                Ok(Command::new("brokerConnect", "broker", input))
            }
            Change::RotateCredential { broker, to, .. } => {
                let id = self.broker(broker)?;
                let input = json!({ "credential": to });
                Ok(Command::of("brokerCredentialRotate", "broker", id, input))
            }
            Change::DisconnectBroker(broker) => {
                let id = self.broker(broker)?;
                Ok(Command::of("brokerDisconnect", "broker", id, json!({})))
            }
            Change::Grant(scope, permissions) => self.grants(scope, permissions, "ADD").await,
            Change::Revoke(scope, permissions) => self.grants(scope, permissions, "REMOVE").await,
            Change::Listener(edge, change) => self.listener(edge, change).await,
            Change::Publisher(edge, change) => self.publisher(edge, change).await,
        }
    }

    fn member(&self, mutation: &'static str, member: &Member, role: Option<Role>) -> Made {
        let organization = self.organization(&member.organization)?;
        let mut input = json!({ "member": member.name });
        if let Some(role) = role {
            input["role"] = json!(role);
        }
        Ok(Command::of(mutation, "organization", organization, input))
    }

    fn publish(&self, algorithm: &AlgorithmId, version: &Version, spec: &VersionSpec) -> Made {
        let id = self.algorithm(algorithm)?;
        let input = json!({
            "algorithmId": id,
            "version": version,
            "endpoint": spec.endpoint,
            "protocol": spec.protocol,
            "timeoutMs": spec.timeout_ms,
            "connectTimeoutMs": spec.connect_timeout_ms,
            "firstByteTimeoutMs": spec.first_byte_timeout_ms,
            "idleTimeoutMs": spec.idle_timeout_ms,
            "batchesCallers": spec.batches_callers,
        });
        Ok(Command::new("versionPublish", "version", input))
    }

    async fn grants(
        &mut self,
        scope: &TopicScope,
        permissions: &BTreeSet<Permission>,
        edit: &str,
    ) -> Made {
        let mut changes = Vec::new();
        for Permission { grantee, access } in permissions {
            let grantee = match grantee {
                Grantee::Algorithm(name) => json!({ "algorithmId": self.algorithm(name)? }),
                Grantee::Organization(name) => {
                    json!({ "organizationId": self.organization(name)? })
                }
            };
            let mut change = json!({ "edit": edit, "grantee": grantee, "access": access });
            if let Covered::Pattern(pattern) = &scope.covered {
                change["pattern"] = json!(pattern);
            }
            changes.push(change);
        }
        let holder = match &scope.covered {
            Covered::Topic(topic) => self.topic(&scope.broker, topic).await?,
            Covered::Pattern(_) => self.broker(&scope.broker)?,
        };
        let input = json!({ "changes": changes });
        Ok(Command::of("grantsEdit", "holder", holder, input))
    }

    async fn listener(&mut self, edge: &Edge, change: &ListenerChange) -> Made {
        let (mutation, input) = match change {
            ListenerChange::Enable(spec) => {
                let topic = self.topic(&edge.broker, &edge.topic).await?;
                let input = self.enabled(edge, spec, &topic)?;
                let enable = Command::new("listenerEnable", "listener", input);
                return Ok(enable.enabling(self.cluster.ids.listeners.get(edge)));
            }
            ListenerChange::Update { from, to } => {
                let mut input = from.patch(to);
                input["allowCycle"] = json!(self.allow_cycles);
                ("listenerUpdate", input)
            }
            ListenerChange::Pause => ("listenerPause", json!({})),
            ListenerChange::Resume => ("listenerResume", json!({})),
            ListenerChange::Disable => ("listenerDisable", json!({})),
        };
        let id = self.cluster.ids.listeners.get(edge);
        let id = id.ok_or_else(|| ApplyError::Absent(format!("listener {edge}")))?;
        Ok(Command::of(mutation, "listener", id.clone(), input))
    }

    fn enabled(&self, edge: &Edge, spec: &ListenerSpec, topic: &str) -> Result<Value, ApplyError> {
        Ok(json!({
            "topicId": topic,
            "algorithmId": self.algorithm(&edge.algorithm)?,
            "version": spec.version,
            "settings": spec.settings,
            "dlq": spec.dlq,
            "paused": spec.paused,
            "allowCycle": self.allow_cycles,
        }))
    }

    async fn publisher(&mut self, edge: &Edge, change: &PublisherChange) -> Made {
        let (mutation, input) = match change {
            PublisherChange::Enable(version) => {
                let topic = self.topic(&edge.broker, &edge.topic).await?;
                let input = json!({
                    "topicId": topic,
                    "algorithmId": self.algorithm(&edge.algorithm)?,
                    "version": version,
                    "allowCycle": self.allow_cycles,
                });
                let enable = Command::new("publisherEnable", "publisher", input);
                return Ok(enable.enabling(self.cluster.ids.publishers.get(edge)));
            }
            PublisherChange::Version { to, .. } => ("publisherUpdate", json!({ "version": to })),
            PublisherChange::Disable => ("publisherDisable", json!({})),
        };
        let id = self.cluster.ids.publishers.get(edge);
        let id = id.ok_or_else(|| ApplyError::Absent(format!("publisher {edge}")))?;
        Ok(Command::of(mutation, "publisher", id.clone(), input))
    }

    fn organization(&self, name: &OrganizationName) -> Result<String, ApplyError> {
        let id = self.cluster.ids.organizations.get(name).cloned();
        id.ok_or_else(|| ApplyError::Absent(format!("organization {name}")))
    }

    fn algorithm(&self, name: &AlgorithmId) -> Result<String, ApplyError> {
        let id = self.cluster.ids.algorithms.get(name).cloned();
        id.ok_or_else(|| ApplyError::Absent(format!("algorithm {name}")))
    }

    fn version(&self, algorithm: &AlgorithmId, version: &Version) -> Result<String, ApplyError> {
        let key = (algorithm.clone(), version.clone());
        let id = self.cluster.ids.versions.get(&key).cloned();
        id.ok_or_else(|| ApplyError::Absent(format!("version {version} of {algorithm}")))
    }

    fn broker(&self, name: &BrokerName) -> Result<String, ApplyError> {
        let id = self.cluster.ids.brokers.get(name).cloned();
        id.ok_or_else(|| ApplyError::Absent(format!("broker {name}")))
    }

    async fn topic(
        &mut self,
        broker: &BrokerName,
        topic: &TopicName,
    ) -> Result<String, ApplyError> {
        let found = self.cluster.topic(self.client, broker, topic).await?;
        found.ok_or_else(|| ApplyError::NoTopic {
            broker: broker.clone(),
            topic: topic.clone(),
        })
    }
}
