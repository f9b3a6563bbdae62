//! What a cluster holds, read through its API.

mod broker;
mod reader;

use std::collections::{BTreeMap, BTreeSet};

use client::{Client, ClientError};
use domain::{AlgorithmId, BrokerName, OrganizationName, TopicName, Version};
use serde::Deserialize;
use serde_json::{Value, json};

use self::reader::Reader;
use crate::state::State;
use crate::state::edge::Edge;

/// The revision of what no event is about yet.
pub(crate) const NOTHING_YET: &str = "r0";

const POSITION: &str = include_str!("actual/position.graphql");
const TOPICS: &str = include_str!("actual/topics.graphql");

/// What a cluster holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Actual {
    /// Withdrawn versions are in it; listeners and publishers are the enabled ones.
    pub(crate) state: State,
    /// Algorithms that are retired; their names are never given again.
    pub(crate) retired: BTreeSet<AlgorithmId>,
    /// Listeners that were enabled before: they have a position.
    pub(crate) disabled: BTreeSet<Edge>,
}

/// What a cluster holds at one position, its ids, and the revisions that changes expect.
pub(crate) struct Cluster {
    pub(crate) actual: Actual,
    pub(crate) ids: Ids,
    /// By id.
    pub(crate) revisions: BTreeMap<String, String>,
    position: u64,
}

/// The API's ids of what has a name.
#[derive(Default)]
pub(crate) struct Ids {
    pub(crate) organizations: BTreeMap<OrganizationName, String>,
    pub(crate) algorithms: BTreeMap<AlgorithmId, String>,
    pub(crate) versions: BTreeMap<(AlgorithmId, Version), String>,
    pub(crate) brokers: BTreeMap<BrokerName, String>,
    /// Those that were looked up or are in use.
    pub(crate) topics: BTreeMap<(BrokerName, TopicName), String>,
    /// The disabled ones, too.
    pub(crate) listeners: BTreeMap<Edge, String>,
    /// The disabled ones, too.
    pub(crate) publishers: BTreeMap<Edge, String>,
}

#[derive(Deserialize)]
struct Position {
    position: String,
}

#[derive(Deserialize)]
struct Named<T> {
    id: String,
    name: T,
    revision: String,
}

impl Cluster {
    /// Reads everything as of one position, so that what changes meanwhile is in none of it.
    ///
    /// # Errors
    /// There is no answer.
    pub(crate) async fn read(client: &Client) -> Result<Self, ClientError> {
        let Position { position } = client.ask(POSITION, &json!({})).await?;
        let cluster = Self {
            actual: Actual::default(),
            ids: Ids::default(),
            revisions: BTreeMap::new(),
            position: position.parse().unwrap_or_default(),
        };
        // Before its first event the log has no moment to ask for, and the cluster nothing to show.
        if cluster.position == 0 {
            return Ok(cluster);
        }
        Reader::new(client, cluster).read().await
    }

    /// The id of a topic, if the broker has it now.
    ///
    /// # Errors
    /// There is no answer.
    pub(crate) async fn topic(
        &mut self,
        client: &Client,
        broker: &BrokerName,
        topic: &TopicName,
    ) -> Result<Option<String>, ClientError> {
        let key = (broker.clone(), topic.clone());
        if let Some(id) = self.ids.topics.get(&key) {
            return Ok(Some(id.clone()));
        }
        let Some(id) = self.ids.brokers.get(broker) else {
            return Ok(None);
        };
        // As it was when the rest was read; else its broker has it since then.
        for as_of in [self.as_of(), Value::Null] {
            let variables = json!({ "asOf": &as_of, "id": id, "search": topic.as_str() });
            let found: Vec<Named<TopicName>> = client.list(TOPICS, variables).await?;
            if let Some(found) = found.into_iter().find(|found| found.name == *topic) {
                // What has been granted on it since then is not what was compared.
                let known = as_of.is_object().then_some(found.revision);
                let revision = known.unwrap_or_else(|| NOTHING_YET.to_owned());
                self.revisions.insert(found.id.clone(), revision);
                self.ids.topics.insert(key, found.id.clone());
                return Ok(Some(found.id));
            }
        }
        Ok(None)
    }

    /// The moment of all that was read; null before the log's first event, which has none.
    fn as_of(&self) -> Value {
        match self.position {
            0 => Value::Null,
            position => json!({ "position": position.to_string() }),
        }
    }

    /// Notes the revisions in what a mutation answered.
    pub(crate) fn note_revisions(&mut self, answer: &Value) {
        let Value::Object(members) = answer else {
            return;
        };
        if let (Some(id), Some(revision)) = (answer["id"].as_str(), answer["revision"].as_str()) {
            self.revisions.insert(id.to_owned(), revision.to_owned());
        }
        for member in members.values() {
            self.note_revisions(member);
        }
    }
}
