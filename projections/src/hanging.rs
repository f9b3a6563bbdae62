//! What hangs on a broker connection: its topics in use, and what stops when it is deleted.

use domain::{ConnectionId, ListenerId, PublisherId, TopicName};

use crate::database::{FromRow, Row, Statement, text};
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
        let select = "SELECT topic FROM grants WHERE connection = ?1 AND topic IS NOT NULL \
             UNION SELECT topic FROM listeners WHERE connection = ?1 AND enabled = 1 \
             UNION SELECT topic FROM publishers WHERE connection = ?1 AND enabled = 1 \
             ORDER BY topic LIMIT ?2";
        let select = Statement::new(select)
            .bind(text(connection))
            .bind(i64::from(limit));
        let names: Vec<String> = self.rows(select).await?;
        names.into_iter().map(|name| Ok(name.try_into()?)).collect()
    }

    /// What would stop now if the connection were deleted.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn deletion(&self, connection: ConnectionId) -> Result<Deletion, ReadModelError> {
        let counts = "SELECT (SELECT count(*) FROM grants WHERE connection = ?1), \
             (SELECT count(*) FROM listeners WHERE connection = ?1 AND enabled = 1), \
             (SELECT count(*) FROM publishers WHERE connection = ?1 AND enabled = 1)";
        let listeners = "SELECT key FROM listeners WHERE connection = ?1 AND enabled = 1 \
                         ORDER BY key LIMIT ?2";
        let publishers = "SELECT key FROM publishers WHERE connection = ?1 AND enabled = 1 \
                          ORDER BY key LIMIT ?2";
        let statements = [listeners, publishers].map(|select| {
            let select = Statement::new(select).bind(text(connection));
            select.bind(i64::from(MOST_NAMED))
        });
        let [listeners, publishers] = statements;
        let counts = Statement::new(counts).bind(text(connection));
        // At the same moment, so that counts and names belong together.
        let answers = self.answers(vec![counts, listeners, publishers]).await?;
        let mut answers = answers.into_iter().map(Vec::into_iter);
        let mut next = || answers.next().unwrap_or_default();
        let (mut counts, listeners, publishers) = (next(), next(), next());
        let counts = counts.next();
        let mut counts = counts.ok_or_else(|| ReadModelError::Row("nothing is counted".into()))?;
        Ok(Deletion {
            grants: counts.take()?,
            listeners: counts.take()?,
            publishers: counts.take()?,
            first_listeners: listeners
                .map(|mut row| row.parse())
                .collect::<Result<_, _>>()?,
            first_publishers: publishers
                .map(|mut row| row.parse())
                .collect::<Result<_, _>>()?,
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
        let select = "SELECT value, coalesce((SELECT topics FROM connections WHERE id = value), 0), \
             (SELECT count(*) FROM grants WHERE connection = value), \
             (SELECT count(*) FROM listeners WHERE connection = value AND enabled = 1), \
             (SELECT count(*) FROM publishers WHERE connection = value AND enabled = 1) \
             FROM json_each(?1)";
        let connections = serde_json::to_string(connections)?;
        self.rows(Statement::new(select).bind(connections)).await
    }
}

impl FromRow for (ConnectionId, ConnectionCounts) {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        let id = row.take()?;
        let counts = ConnectionCounts {
            topics: row.take()?,
            grants: row.take()?,
            listeners: row.take()?,
            publishers: row.take()?,
        };
        Ok((id, counts))
    }
}
