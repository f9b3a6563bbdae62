//! The listeners and publishers that ever were on a connection, also on one that is gone.

use domain::{ConnectionId, ListenerId, PublisherId};

use crate::read::{ReadModel, ReadModelError};

/// What was enabled on a connection, now or before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowsOn {
    pub listeners: Vec<ListenerId>,
    pub publishers: Vec<PublisherId>,
}

impl ReadModel {
    /// The listeners and the publishers of a connection, the disabled among them, at most `limit`
    /// of each.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn flows_on(
        &self,
        connection: ConnectionId,
        limit: u32,
    ) -> Result<FlowsOn, ReadModelError> {
        let listeners: Vec<String> =
            sqlx::query_scalar("SELECT key FROM listeners WHERE connection = ?1 LIMIT ?2")
                .bind(connection.to_string())
                .bind(limit)
                .fetch_all(&self.readers)
                .await?;
        let publishers: Vec<String> =
            sqlx::query_scalar("SELECT key FROM publishers WHERE connection = ?1 LIMIT ?2")
                .bind(connection.to_string())
                .bind(limit)
                .fetch_all(&self.readers)
                .await?;
        let listeners = listeners.iter().map(|key| key.parse());
        let publishers = publishers.iter().map(|key| key.parse());
        Ok(FlowsOn {
            listeners: listeners.collect::<Result<_, _>>()?,
            publishers: publishers.collect::<Result<_, _>>()?,
        })
    }
}
