//! Applies changes to a cluster, one mutation each.

mod command;

use client::{Client, ClientError, Payload, UserError};
use domain::{BrokerName, TopicName};
use uuid::Uuid;

use self::command::Command;
use crate::actual::Cluster;
use crate::actual::revision::Revisions;
use crate::change::Change;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Refused(#[from] UserError),
    #[error(
        "broker {broker} does not have topic {topic}; if it is new, discover the broker's topics \
         again (`brokerDiscover`)"
    )]
    NoTopic {
        broker: BrokerName,
        topic: TopicName,
    },
    /// A bug: the changes are not in order.
    #[error("{0} does not exist yet")]
    Absent(String),
}

/// Applies changes to one cluster.
pub(crate) struct Apply<'a> {
    client: &'a Client,
    cluster: Cluster,
    revisions: Revisions,
    /// How its idempotency keys begin.
    run: Uuid,
    sent: u32,
    allow_cycles: bool,
}

impl<'a> Apply<'a> {
    pub(crate) fn new(client: &'a Client, cluster: Cluster, run: Uuid, allow_cycles: bool) -> Self {
        Self {
            client,
            revisions: Revisions::as_of(cluster.position),
            cluster,
            run,
            sent: 0,
            allow_cycles,
        }
    }

    /// Makes one change. Returns the server's warnings.
    ///
    /// # Errors
    /// It is refused, or there is no answer. As far as is known, nothing was changed then.
    pub(crate) async fn make(&mut self, change: &Change) -> Result<Vec<String>, ApplyError> {
        let command = self.command(change).await?;
        let payload = self.send(command).await?;
        let entity = payload.entity.as_ref();
        if let Some(id) = entity.and_then(|entity| entity["id"].as_str()) {
            self.remember(change, id);
        }
        Ok(payload.warnings().map(str::to_owned).collect())
    }

    /// Sends a mutation with the revision that was read, so that what somebody else changed in the
    /// meantime is not overwritten.
    async fn send(&mut self, command: Command) -> Result<Payload, ApplyError> {
        let Command {
            mut mutation,
            stream,
            guarded,
        } = command;
        let key = format!("apply:{}:{}", self.run, self.sent);
        self.sent += 1;
        if let Some(stream) = stream.as_ref().filter(|_| guarded) {
            let revision = self.revisions.of(self.client, stream).await?;
            mutation = mutation.expecting(revision.map(|revision| revision.to_string()));
        }
        let payload = self.client.send(&mutation, &key).await?.accepted()?;
        let position = payload.position.as_ref().and_then(|p| p.parse().ok());
        if let (Some(stream), Some(position)) = (&stream, position) {
            self.revisions.moved(stream, position);
        }
        Ok(payload)
    }

    /// Keeps the id of what is new.
    fn remember(&mut self, change: &Change, id: &str) {
        let (ids, id) = (&mut self.cluster.ids, id.to_owned());
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
