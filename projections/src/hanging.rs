//! What hangs on a broker connection: its topics in use, and what stops when it is deleted.

use domain::{ConnectionId, ListenerId, PublisherId, TopicName};

use crate::read::{ReadModel, ReadModelError};

/// The most listeners, and publishers, that a preview names.
pub const MOST_NAMED: u32 = 100;

/// What stops when a connection is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deletion {
    /// Grants of topics and of patterns.
    pub grants: u64,
    pub listeners: u64,
    pub publishers: u64,
    /// The first of the listeners by key, at most [`MOST_NAMED`].
    pub first_listeners: Vec<ListenerId>,
    /// The first of the publishers by key, at most [`MOST_NAMED`].
    pub first_publishers: Vec<PublisherId>,
}

/// How much there is of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Topics that its broker has.
    pub topics: u64,
    pub grants: u64,
    /// The enabled ones, the paused among them.
    pub listeners: u64,
    /// The enabled ones.
    pub publishers: u64,
}

impl ReadModel {
    /// The topics of a connection that grants of topics, enabled listeners or enabled publishers
    /// hang on, by name, at most `limit`.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn topics_in_use(
        &self,
        connection: ConnectionId,
        limit: u32,
    ) -> Result<Vec<TopicName>, ReadModelError> {
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT topic FROM grants WHERE connection = ?1 AND topic IS NOT NULL \
             UNION SELECT topic FROM listeners WHERE connection = ?1 AND enabled = 1 \
             UNION SELECT topic FROM publishers WHERE connection = ?1 AND enabled = 1 \
             ORDER BY topic LIMIT ?2",
        )
        .bind(connection.to_string())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        names.into_iter().map(|name| Ok(name.try_into()?)).collect()
    }

    /// What would stop now if the connection were deleted.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn deletion(&self, connection: ConnectionId) -> Result<Deletion, ReadModelError> {
        // One transaction, so that counts and names are of the same moment.
        let mut tx = self.readers.begin().await?;
        let (grants, listeners, publishers): (i64, i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM grants WHERE connection = ?1), \
             (SELECT count(*) FROM listeners WHERE connection = ?1 AND enabled = 1), \
             (SELECT count(*) FROM publishers WHERE connection = ?1 AND enabled = 1)",
        )
        .bind(connection.to_string())
        .fetch_one(&mut *tx)
        .await?;
        let first: Vec<String> = sqlx::query_scalar(
            "SELECT key FROM listeners WHERE connection = ?1 AND enabled = 1 \
             ORDER BY key LIMIT ?2",
        )
        .bind(connection.to_string())
        .bind(MOST_NAMED)
        .fetch_all(&mut *tx)
        .await?;
        let first_listeners = first.iter().map(|key| key.parse());
        let first_listeners = first_listeners.collect::<Result<_, _>>()?;
        let first: Vec<String> = sqlx::query_scalar(
            "SELECT key FROM publishers WHERE connection = ?1 AND enabled = 1 \
             ORDER BY key LIMIT ?2",
        )
        .bind(connection.to_string())
        .bind(MOST_NAMED)
        .fetch_all(&mut *tx)
        .await?;
        let first_publishers = first.iter().map(|key| key.parse());
        Ok(Deletion {
            grants: grants.unsigned_abs(),
            listeners: listeners.unsigned_abs(),
            publishers: publishers.unsigned_abs(),
            first_listeners,
            first_publishers: first_publishers.collect::<Result<_, _>>()?,
        })
    }

    /// How much there is of each of those connections, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn connection_counts(
        &self,
        connections: &[ConnectionId],
    ) -> Result<Vec<(ConnectionId, ConnectionCounts)>, ReadModelError> {
        let rows: Vec<(String, i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT value, (SELECT count(*) FROM topics WHERE connection = value), \
             (SELECT count(*) FROM grants WHERE connection = value), \
             (SELECT count(*) FROM listeners WHERE connection = value AND enabled = 1), \
             (SELECT count(*) FROM publishers WHERE connection = value AND enabled = 1) \
             FROM json_each(?1)",
        )
        .bind(serde_json::to_string(connections)?)
        .fetch_all(&self.readers)
        .await?;
        let counted = rows.into_iter().map(|row| {
            let (connection, topics, grants, listeners, publishers) = row;
            let counts = ConnectionCounts {
                topics: topics.unsigned_abs(),
                grants: grants.unsigned_abs(),
                listeners: listeners.unsigned_abs(),
                publishers: publishers.unsigned_abs(),
            };
            Ok((crate::connection::connection_id(&connection)?, counts))
        });
        counted.collect()
    }
}
