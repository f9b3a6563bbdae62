//! Makes changes so, one mutation each.

mod command;

use domain::{BrokerName, TopicName};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::change::Change;
use super::client::{Client, ClientError};
use super::cluster::Cluster;
use super::mutation::{Mutation, Payload, UserError};
use super::revision::Revisions;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApplyError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{0}")]
    Refused(UserError),
    #[error("broker {broker} has no topic {topic}; if it is new, discover topics anew")]
    NoTopic {
        broker: BrokerName,
        topic: TopicName,
    },
    /// The changes are not in their order.
    #[error("{0} is not there")]
    Absent(String),
}

#[derive(Deserialize)]
struct Answer {
    it: Payload,
}

/// Applies changes to one cluster.
pub(super) struct Apply<'a> {
    client: &'a Client,
    cluster: Cluster,
    revisions: Revisions,
    /// What its idempotency keys begin with.
    run: Uuid,
    made: u32,
    allow_cycles: bool,
}

impl<'a> Apply<'a> {
    pub(super) fn new(client: &'a Client, cluster: Cluster, run: Uuid, allow_cycles: bool) -> Self {
        Self {
            client,
            revisions: Revisions::as_of(cluster.position),
            cluster,
            run,
            made: 0,
            allow_cycles,
        }
    }

    /// Makes one change, and gives the warnings of the server.
    ///
    /// # Errors
    /// It is refused, or there is no answer. Nothing was changed then, as far as was heard.
    pub(super) async fn make(&mut self, change: &Change) -> Result<Vec<String>, ApplyError> {
        let mutation = self.command(change).await?;
        let payload = self.send(&mutation).await?;
        if let Some(id) = payload.entity.map(|entity| entity.id) {
            self.remember(change, id);
        }
        let warnings = payload.warnings.into_iter();
        Ok(warnings.map(|warning| warning.message).collect())
    }

    /// Sends a mutation on the revision that was read, so that what somebody else changed
    /// meanwhile is not overwritten.
    async fn send(&mut self, mutation: &Mutation) -> Result<Payload, ApplyError> {
        let mut input = mutation.input.clone();
        input["idempotencyKey"] = json!(format!("apply:{}:{}", self.run, self.made));
        self.made += 1;
        if let Some(stream) = mutation.stream.as_ref().filter(|_| mutation.guarded) {
            let revision = self.revisions.of(self.client, stream).await?;
            input["expectedRevision"] = json!(revision.map(|revision| revision.to_string()));
        }
        let variables = json!({ "id": mutation.id, "input": input });
        let answer: Answer = self.client.ask(&mutation.document(), &variables).await?;
        let mut payload = answer.it;
        if let Some(error) = payload.user_errors.pop() {
            return Err(ApplyError::Refused(error));
        }
        let position = payload.position.as_ref().and_then(|p| p.parse().ok());
        if let (Some(stream), Some(position)) = (&mutation.stream, position) {
            self.revisions.moved(stream, position);
        }
        Ok(payload)
    }

    /// Keeps the id of what is new.
    fn remember(&mut self, change: &Change, id: String) {
        let ids = &mut self.cluster.ids;
        match change {
            Change::CreateOrganization(name) => {
                ids.organizations.insert(name.clone(), id);
            }
            Change::RegisterAlgorithm { algorithm, .. } => {
                ids.algorithms.insert(algorithm.clone(), id);
            }
            Change::ConnectBroker { broker, .. } => {
                ids.brokers.insert(broker.clone(), id);
            }
            _ => {}
        }
    }
}
