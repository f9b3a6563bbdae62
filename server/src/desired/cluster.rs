//! What a cluster holds, read through its API.

use std::collections::BTreeMap;

use domain::grant::{Access, Grantee, Permission};
use domain::organization::Role;
use domain::{
    AlgorithmId, BrokerName, OrganizationName, TopicName, TopicPattern, UserName, Version,
    VersionSelector,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::client::{Client, ClientError};
use super::difference::Actual;
use super::pages::{PAGE, all};
use super::settings::SettingsSpec;
use super::shown_broker::ShownBroker;
use super::state::{AlgorithmSpec, Covered, Flow, ListenerSpec, Scope, State, VersionSpec};

/// What a cluster holds, and by which ids it knows it.
pub(super) struct Cluster {
    pub(super) actual: Actual,
    pub(super) ids: Ids,
    /// A place in the log that everything above reflects at least.
    pub(super) position: u64,
}

/// The API's ids of what has a name.
#[derive(Default)]
pub(super) struct Ids {
    pub(super) organizations: BTreeMap<OrganizationName, String>,
    pub(super) algorithms: BTreeMap<AlgorithmId, String>,
    pub(super) brokers: BTreeMap<BrokerName, String>,
    /// Those that were looked up or are in use.
    pub(super) topics: BTreeMap<(BrokerName, TopicName), String>,
    pub(super) listeners: BTreeMap<Flow, String>,
    pub(super) publishers: BTreeMap<Flow, String>,
}

#[derive(Deserialize)]
struct Named<T> {
    id: String,
    name: T,
}

#[derive(Deserialize)]
struct ShownMember {
    name: UserName,
    role: Role,
}

#[derive(Deserialize)]
struct ShownAlgorithm {
    id: String,
    name: AlgorithmId,
    description: String,
    retired: bool,
    versions: Vec<ShownVersion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownVersion {
    version: Version,
    endpoint: String,
    protocol: domain::algorithm::Protocol,
    timeout_ms: u32,
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
struct NamedTopic {
    name: TopicName,
}

#[derive(Deserialize)]
struct ShownTopic {
    id: String,
    name: TopicName,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownGrant {
    access: Access,
    topic: Option<ShownTopic>,
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
    topic: Option<ShownTopic>,
    broker: Option<OnBroker>,
    algorithm: Option<OfAlgorithm>,
    version: VersionSelector,
    settings: SettingsSpec,
    dead_letter_topic: Option<NamedTopic>,
    paused: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownPublisher {
    id: String,
    topic: Option<ShownTopic>,
    broker: Option<OnBroker>,
    algorithm: Option<OfAlgorithm>,
    version: VersionSelector,
}

impl Cluster {
    /// Reads everything. What changes meanwhile may be in it or not.
    ///
    /// # Errors
    /// The server does not answer.
    pub(super) async fn read(client: &Client) -> Result<Self, ClientError> {
        // First, so that whatever is changed behind it is noticed when something is applied.
        let position: Value = client.ask("{ position }", &json!({})).await?;
        let position = position["position"].as_str().and_then(|p| p.parse().ok());
        let mut reader = Reader {
            client,
            brokers: BTreeMap::new(),
            cluster: Self {
                actual: Actual::default(),
                ids: Ids::default(),
                position: position.unwrap_or_default(),
            },
        };
        reader.organizations().await?;
        reader.algorithms().await?;
        reader.brokers().await?;
        reader.grants().await?;
        reader.listeners().await?;
        reader.publishers().await?;
        Ok(reader.cluster)
    }

    /// Looks a topic up, if the broker has it.
    ///
    /// # Errors
    /// The server does not answer.
    pub(super) async fn topic(
        &mut self,
        client: &Client,
        broker: &BrokerName,
        topic: &TopicName,
    ) -> Result<Option<String>, ClientError> {
        let key = (broker.clone(), topic.clone());
        if let Some(id) = self.ids.topics.get(&key) {
            return Ok(Some(id.clone()));
        }
        let Some(broker) = self.ids.brokers.get(broker) else {
            return Ok(None);
        };
        let document = format!(
            "query($id: ID!, $search: String!, $first: Int!, $after: String) {{ node(id: $id) {{ ... on Broker \
             {{ list: topics(search: $search, first: $first, after: $after) \
             {{ nodes {{ id name }} {PAGE} }} }} }} }}"
        );
        let variables = json!({ "id": broker, "search": topic.as_str() });
        let found: Vec<Named<TopicName>> = all(client, &document, variables).await?;
        let found = found.into_iter().find(|found| found.name == *topic);
        let Some(found) = found else { return Ok(None) };
        self.ids.topics.insert(key, found.id.clone());
        Ok(Some(found.id))
    }
}

struct Reader<'a> {
    client: &'a Client,
    /// The names of those that are alive, by id.
    brokers: BTreeMap<String, BrokerName>,
    cluster: Cluster,
}

impl Reader<'_> {
    async fn list<T: DeserializeOwned>(
        &self,
        list: &str,
        filter: &str,
        fields: &str,
    ) -> Result<Vec<T>, ClientError> {
        let document = format!(
            "query($first: Int!, $after: String) {{ list: {list}(first: $first, after: $after{filter}) \
             {{ nodes {{ {fields} }} {PAGE} }} }}"
        );
        all(self.client, &document, json!({})).await
    }

    fn state(&mut self) -> &mut State {
        &mut self.cluster.actual.state
    }

    async fn organizations(&mut self) -> Result<(), ClientError> {
        let found: Vec<Named<OrganizationName>> = self.list("organizations", "", "id name").await?;
        for Named { id, name } in found {
            let document = format!(
                "query($id: ID!, $first: Int!, $after: String) {{ node(id: $id) {{ ... on Organization \
                 {{ list: members(first: $first, after: $after) \
                 {{ nodes {{ name role }} {PAGE} }} }} }} }}"
            );
            let members: Vec<ShownMember> =
                all(self.client, &document, json!({ "id": id })).await?;
            let members = members.into_iter().map(|member| (member.name, member.role));
            self.state()
                .organizations
                .insert(name.clone(), members.collect());
            self.cluster.ids.organizations.insert(name, id);
        }
        Ok(())
    }

    async fn algorithms(&mut self) -> Result<(), ClientError> {
        let fields = "id name description retired \
                      versions { version endpoint protocol timeoutMs withdrawn withdrawnReason }";
        let found: Vec<ShownAlgorithm> = self.list("algorithms", "", fields).await?;
        for shown in found {
            if shown.retired {
                self.cluster.actual.retired.insert(shown.name);
                continue;
            }
            let versions = shown.versions.into_iter().map(|shown| {
                let spec = VersionSpec {
                    endpoint: shown.endpoint,
                    protocol: shown.protocol,
                    timeout_ms: shown.timeout_ms,
                    withdrawn: shown.withdrawn,
                    withdrawn_reason: shown.withdrawn_reason,
                };
                (shown.version, spec)
            });
            let spec = AlgorithmSpec {
                description: Some(shown.description).filter(|text| !text.is_empty()),
                versions: versions.collect(),
            };
            self.state().algorithms.insert(shown.name.clone(), spec);
            self.cluster.ids.algorithms.insert(shown.name, shown.id);
        }
        Ok(())
    }

    async fn brokers(&mut self) -> Result<(), ClientError> {
        let found: Vec<ShownBroker> = self.list("brokers", "", ShownBroker::FIELDS).await?;
        for shown in found {
            let (id, name) = (shown.id.clone(), shown.name.clone());
            self.brokers.insert(id.clone(), name.clone());
            self.cluster.ids.brokers.insert(name.clone(), id);
            self.state().brokers.insert(name, shown.into());
        }
        Ok(())
    }

    async fn grants(&mut self) -> Result<(), ClientError> {
        let fields = "access topic { id name } topicPattern broker { id } grantee { __typename \
                      ... on Algorithm { name } ... on Organization { name } }";
        let found: Vec<ShownGrant> = self.list("grants", "", fields).await?;
        for shown in found {
            let (topic, id) = shown.topic.map(|topic| (topic.name, topic.id)).unzip();
            let covered = match (topic, shown.topic_pattern) {
                (Some(topic), _) => Covered::Topic(topic),
                (None, Some(pattern)) => Covered::Pattern(pattern),
                (None, None) => continue,
            };
            let grantee = match shown.grantee {
                Some(ShownGrantee::Algorithm { name }) if self.stands(&name) => {
                    Grantee::Algorithm(name)
                }
                Some(ShownGrantee::Organization { name }) => Grantee::Organization(name),
                _ => continue,
            };
            let Some(broker) = self.broker(shown.broker) else {
                continue;
            };
            if let (Covered::Topic(topic), Some(id)) = (&covered, id) {
                let key = (broker.clone(), topic.clone());
                self.cluster.ids.topics.insert(key, id);
            }
            let access = shown.access;
            let permissions = self.state().grants.entry(Scope { broker, covered });
            permissions
                .or_default()
                .insert(Permission { grantee, access });
        }
        Ok(())
    }

    async fn listeners(&mut self) -> Result<(), ClientError> {
        let fields = "id topic { id name } broker { id } algorithm { name } version paused \
                      deadLetterTopic { name } \
                      settings { start { at time } concurrency faults maxMessageBytes \
                      retry { maxAttempts initialBackoffMs maxBackoffMs } }";
        let filter = ", filter: { enabled: true }";
        let found: Vec<ShownListener> = self.list("listeners", filter, fields).await?;
        for shown in found {
            let flow = self.flow(shown.broker, shown.topic, shown.algorithm);
            let Some(flow) = flow else { continue };
            let spec = ListenerSpec {
                version: shown.version,
                settings: shown.settings,
                dlq: shown.dead_letter_topic.map(|topic| topic.name),
                paused: shown.paused,
            };
            self.state().listeners.insert(flow.clone(), spec);
            self.cluster.ids.listeners.insert(flow, shown.id);
        }
        Ok(())
    }

    async fn publishers(&mut self) -> Result<(), ClientError> {
        let fields = "id topic { id name } broker { id } algorithm { name } version";
        let filter = ", filter: { enabled: true }";
        let found: Vec<ShownPublisher> = self.list("publishers", filter, fields).await?;
        for shown in found {
            let flow = self.flow(shown.broker, shown.topic, shown.algorithm);
            let Some(flow) = flow else { continue };
            self.state().publishers.insert(flow.clone(), shown.version);
            self.cluster.ids.publishers.insert(flow, shown.id);
        }
        Ok(())
    }

    /// What is known by these; none where some of it is gone, and the rest about to end by policy.
    fn flow(
        &mut self,
        broker: Option<OnBroker>,
        topic: Option<ShownTopic>,
        algorithm: Option<OfAlgorithm>,
    ) -> Option<Flow> {
        let broker = self.broker(broker)?;
        let ShownTopic { id, name: topic } = topic?;
        let algorithm = algorithm?.name;
        if !self.stands(&algorithm) {
            return None;
        }
        let key = (broker.clone(), topic.clone());
        self.cluster.ids.topics.insert(key, id);
        Some(Flow {
            broker,
            topic,
            algorithm,
        })
    }

    fn broker(&self, broker: Option<OnBroker>) -> Option<BrokerName> {
        self.brokers.get(&broker?.id).cloned()
    }

    fn stands(&self, algorithm: &AlgorithmId) -> bool {
        self.cluster.actual.state.algorithms.contains_key(algorithm)
    }
}
