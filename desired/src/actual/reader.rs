//! Reads the lists of a cluster.

use std::collections::BTreeMap;

use client::{Client, ClientError};
use domain::algorithm::Protocol;
use domain::grant::{Access, Grantee, Permission};
use domain::organization::Role;
use domain::{
    AlgorithmId, BrokerName, OrganizationName, TopicName, TopicPattern, UserName, Version,
    VersionSelector,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::broker::ReadBroker;
use super::{Cluster, Named};
use crate::state::State;
use crate::state::algorithm::{AlgorithmSpec, VersionSpec};
use crate::state::edge::Edge;
use crate::state::grant::{Covered, TopicScope};
use crate::state::listener::ListenerSpec;
use crate::state::settings::SettingsSpec;

const ORGANIZATIONS: &str = include_str!("organizations.graphql");
const MEMBERS: &str = include_str!("members.graphql");
const ALGORITHMS: &str = include_str!("algorithms.graphql");
const VERSIONS: &str = include_str!("versions.graphql");
const BROKERS: &str = include_str!("brokers.graphql");
const GRANTS: &str = include_str!("grants.graphql");
const LISTENERS: &str = include_str!("listeners.graphql");
const PUBLISHERS: &str = include_str!("publishers.graphql");

#[derive(Deserialize)]
struct ShownMember {
    name: UserName,
    role: Role,
}

#[derive(Deserialize)]
struct ShownAlgorithm {
    id: String,
    name: AlgorithmId,
    revision: String,
    description: String,
    retired: bool,
    versions: FirstVersions,
}

/// The first versions of an algorithm, and whether it has more.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FirstVersions {
    nodes: Vec<ShownVersion>,
    page_info: More,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct More {
    has_next_page: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownVersion {
    id: String,
    revision: String,
    version: Version,
    endpoint: String,
    protocol: Protocol,
    timeout_ms: u32,
    connect_timeout_ms: u32,
    first_byte_timeout_ms: Option<u32>,
    idle_timeout_ms: Option<u32>,
    batches_callers: bool,
    withdrawn: bool,
    withdrawn_reason: Option<String>,
}

#[derive(Deserialize)]
struct OnBroker {
    id: String,
}

#[derive(Deserialize)]
struct OfAlgorithm {
    name: AlgorithmId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownGrant {
    access: Access,
    topic: Option<Named<TopicName>>,
    topic_pattern: Option<TopicPattern>,
    broker: Option<OnBroker>,
    grantee: Option<ShownGrantee>,
}

#[derive(Deserialize)]
#[serde(tag = "__typename")]
enum ShownGrantee {
    Algorithm { name: AlgorithmId },
    Organization { name: OrganizationName },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownListener {
    id: String,
    revision: String,
    enabled: bool,
    #[serde(flatten)]
    edge: ShownEdge,
    version_selector: VersionSelector,
    settings: SettingsSpec,
    dead_letter_topic: Option<NamedTopic>,
    paused: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownPublisher {
    id: String,
    revision: String,
    enabled: bool,
    #[serde(flatten)]
    edge: ShownEdge,
    version_selector: VersionSelector,
}

#[derive(Deserialize)]
struct NamedTopic {
    name: TopicName,
}

#[derive(Deserialize)]
struct ShownEdge {
    topic: Option<Named<TopicName>>,
    broker: Option<OnBroker>,
    algorithm: Option<OfAlgorithm>,
}

/// Reads lists into a cluster, as of its position.
pub(super) struct Reader<'a> {
    client: &'a Client,
    /// The names of connected brokers, by id.
    brokers: BTreeMap<String, BrokerName>,
    cluster: Cluster,
}

impl<'a> Reader<'a> {
    pub(super) fn new(client: &'a Client, cluster: Cluster) -> Self {
        Self {
            client,
            brokers: BTreeMap::new(),
            cluster,
        }
    }

    pub(super) async fn read(mut self) -> Result<Cluster, ClientError> {
        self.organizations().await?;
        self.algorithms().await?;
        self.brokers().await?;
        self.grants().await?;
        self.listeners().await?;
        self.publishers().await?;
        Ok(self.cluster)
    }

    async fn list<T: DeserializeOwned>(
        &self,
        document: &str,
        mut variables: Value,
    ) -> Result<Vec<T>, ClientError> {
        variables["asOf"] = self.cluster.as_of();
        self.client.list(document, variables).await
    }

    /// Keeps the revision of what was read.
    fn at(&mut self, id: &str, revision: String) {
        self.cluster.revisions.insert(id.to_owned(), revision);
    }

    fn state(&mut self) -> &mut State {
        &mut self.cluster.actual.state
    }

    async fn organizations(&mut self) -> Result<(), ClientError> {
        let found: Vec<Named<OrganizationName>> = self.list(ORGANIZATIONS, json!({})).await?;
        for Named { id, name, revision } in found {
            self.at(&id, revision);
            let members: Vec<ShownMember> = self.list(MEMBERS, json!({ "id": id })).await?;
            let members = members.into_iter().map(|member| (member.name, member.role));
            self.state()
                .organizations
                .insert(name.clone(), members.collect());
            self.cluster.ids.organizations.insert(name, id);
        }
        Ok(())
    }

    async fn algorithms(&mut self) -> Result<(), ClientError> {
        let found: Vec<ShownAlgorithm> = self.list(ALGORITHMS, json!({})).await?;
        for shown in found {
            self.at(&shown.id, shown.revision);
            if shown.retired {
                self.cluster.actual.retired.insert(shown.name);
                continue;
            }
            let versions = match shown.versions.page_info.has_next_page {
                true => self.list(VERSIONS, json!({ "id": shown.id })).await?,
                false => shown.versions.nodes,
            };
            for version in &versions {
                self.at(&version.id, version.revision.clone());
                let key = (shown.name.clone(), version.version.clone());
                self.cluster.ids.versions.insert(key, version.id.clone());
            }
            let spec = AlgorithmSpec {
                description: Some(shown.description).filter(|text| !text.is_empty()),
                versions: versions.into_iter().map(Into::into).collect(),
            };
            self.state().algorithms.insert(shown.name.clone(), spec);
            self.cluster.ids.algorithms.insert(shown.name, shown.id);
        }
        Ok(())
    }

    async fn brokers(&mut self) -> Result<(), ClientError> {
        let found: Vec<ReadBroker> = self.list(BROKERS, json!({})).await?;
        for shown in found {
            let (id, name) = (shown.id.clone(), shown.name.clone());
            self.at(&id, shown.revision.clone());
            self.brokers.insert(id.clone(), name.clone());
            self.cluster.ids.brokers.insert(name.clone(), id);
            self.state().brokers.insert(name, shown.spec);
        }
        Ok(())
    }

    async fn grants(&mut self) -> Result<(), ClientError> {
        let found: Vec<ShownGrant> = self.list(GRANTS, json!({})).await?;
        for shown in found {
            let covered = match (&shown.topic, shown.topic_pattern) {
                (Some(topic), _) => Covered::Topic(topic.name.clone()),
                (None, Some(pattern)) => Covered::Pattern(pattern),
                (None, None) => continue,
            };
            let grantee = match shown.grantee {
                Some(ShownGrantee::Algorithm { name }) if self.has_algorithm(&name) => {
                    Grantee::Algorithm(name)
                }
                Some(ShownGrantee::Organization { name }) => Grantee::Organization(name),
                _ => continue,
            };
            let Some(broker) = self.broker(shown.broker) else {
                continue;
            };
            if let Some(topic) = shown.topic {
                self.topic(&broker, topic);
            }
            let scope = TopicScope { broker, covered };
            let access = shown.access;
            let permissions = self.state().grants.entry(scope).or_default();
            permissions.insert(Permission { grantee, access });
        }
        Ok(())
    }

    async fn listeners(&mut self) -> Result<(), ClientError> {
        let found: Vec<ShownListener> = self.list(LISTENERS, json!({})).await?;
        for shown in found {
            let Some(edge) = self.edge(shown.edge) else {
                continue;
            };
            self.at(&shown.id, shown.revision);
            let spec = ListenerSpec {
                version: shown.version_selector,
                settings: shown.settings,
                dlq: shown.dead_letter_topic.map(|topic| topic.name),
                paused: shown.paused,
            };
            if shown.enabled {
                self.state().listeners.insert(edge.clone(), spec);
            } else {
                self.cluster.actual.disabled.insert(edge.clone());
            }
            self.cluster.ids.listeners.insert(edge, shown.id);
        }
        Ok(())
    }

    async fn publishers(&mut self) -> Result<(), ClientError> {
        let found: Vec<ShownPublisher> = self.list(PUBLISHERS, json!({})).await?;
        for shown in found {
            let Some(edge) = self.edge(shown.edge) else {
                continue;
            };
            self.at(&shown.id, shown.revision);
            if shown.enabled {
                let publishers = &mut self.state().publishers;
                publishers.insert(edge.clone(), shown.version_selector);
            }
            self.cluster.ids.publishers.insert(edge, shown.id);
        }
        Ok(())
    }

    /// What it is known by; none where its broker or algorithm has ended, so that a policy is about
    /// to disable it.
    fn edge(&mut self, shown: ShownEdge) -> Option<Edge> {
        let broker = self.broker(shown.broker)?;
        let algorithm = shown.algorithm?.name;
        if !self.has_algorithm(&algorithm) {
            return None;
        }
        let topic = self.topic(&broker, shown.topic?);
        Some(Edge {
            broker,
            topic,
            algorithm,
        })
    }

    /// Keeps a topic that something is on.
    fn topic(&mut self, broker: &BrokerName, topic: Named<TopicName>) -> TopicName {
        let Named { id, name, revision } = topic;
        self.at(&id, revision);
        let key = (broker.clone(), name.clone());
        self.cluster.ids.topics.insert(key, id);
        name
    }

    fn broker(&self, broker: Option<OnBroker>) -> Option<BrokerName> {
        self.brokers.get(&broker?.id).cloned()
    }

    /// Whether it is registered and not retired.
    fn has_algorithm(&self, algorithm: &AlgorithmId) -> bool {
        self.cluster.actual.state.algorithms.contains_key(algorithm)
    }
}

impl From<ShownVersion> for (Version, VersionSpec) {
    fn from(shown: ShownVersion) -> Self {
        let spec = VersionSpec {
            endpoint: shown.endpoint,
            protocol: shown.protocol,
            timeout_ms: shown.timeout_ms,
            connect_timeout_ms: shown.connect_timeout_ms,
            first_byte_timeout_ms: shown.first_byte_timeout_ms,
            idle_timeout_ms: shown.idle_timeout_ms,
            batches_callers: shown.batches_callers,
            withdrawn: shown.withdrawn,
            withdrawn_reason: shown.withdrawn_reason,
        };
        (shown.version, spec)
    }
}
