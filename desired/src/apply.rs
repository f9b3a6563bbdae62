//! Applies changes to a cluster, one mutation each.

mod command;

use client::{Client, ClientError, Payload, UserError};
use domain::{BrokerName, TopicName};
use uuid::Uuid;

use self::command::{Command, Guarded};
use crate::actual::{Cluster, NOTHING_YET};
use crate::change::Change;

/// How often the job of a change is waited for again.
const MOST_WAITS: u32 = 20;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Refused(#[from] UserError),
    #[error(
        "broker {broker} does not have topic {topic}; if it is new, discover the broker's topics \
         again (`brokerTopicsDiscover`)"
    )]
    NoTopic {
        broker: BrokerName,
        topic: TopicName,
    },
    #[error("the server still works on it; apply again later")]
    UnderWay,
    /// A bug: the changes are not in order.
    #[error("{0} does not exist yet")]
    Absent(String),
    /// A bug: what is changed was not read.
    #[error("the revision of {0} was not read")]
    Unread(String),
}

/// Applies changes to one cluster.
pub(crate) struct Apply<'a> {
    client: &'a Client,
    cluster: Cluster,
    /// How its idempotency keys begin.
    run: Uuid,
    sent: u32,
    allow_cycles: bool,
}

impl<'a> Apply<'a> {
    pub(crate) fn new(client: &'a Client, cluster: Cluster, run: Uuid, allow_cycles: bool) -> Self {
        Self {
            client,
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

    /// Sends a mutation with the revision that was read, or that our last change left, so that
    /// what somebody else changed in the meantime is not overwritten.
    async fn send(&mut self, command: Command) -> Result<Payload, ApplyError> {
        let Command {
            mut mutation,
            guarded,
        } = command;
        let key = format!("apply:{}:{}", self.run, self.sent);
        self.sent += 1;
        match guarded {
            Guarded::ByName => {}
            Guarded::AsRead(id) => {
                let revision = self.cluster.revisions.get(&id);
                let revision = revision.ok_or_else(|| ApplyError::Unread(id))?;
                mutation = mutation.expecting(revision.as_str());
            }
            Guarded::NothingYet => mutation = mutation.expecting(NOTHING_YET),
        }
        let mut payload = self.client.send(&mutation, &key).await?.accepted()?;
        for _ in 0..MOST_WAITS {
            if payload.position.is_some() {
                break;
            }
            // Its job goes on. Under the same key this waits for it.
            payload = self.client.send(&mutation, &key).await?.accepted()?;
        }
        if payload.position.is_none() {
            return Err(ApplyError::UnderWay);
        }
        if let Some(entity) = &payload.entity {
            self.cluster.note_revisions(entity);
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
            Change::PublishVersion {
                algorithm, version, ..
            } => {
                let key = (algorithm.clone(), version.clone());
                ids.versions.insert(key, id);
            }
            Change::ConnectBroker { broker, .. } => {
                ids.brokers.insert(broker.clone(), id);
            }
            _ => {}
        }
    }
}
