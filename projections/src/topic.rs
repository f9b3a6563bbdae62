//! Topics as their brokers list them.

use domain::{ConnectionId, Event, TopicId};
use sqlx::SqliteConnection;

use crate::connection::connection_id;
use crate::page::{Page, Paging};
use crate::projector::Fact;
use crate::read::{ReadModel, ReadModelError};

/// A topic on a connection that is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub id: TopicId,
    /// How many partitions, where the broker has them.
    pub partitions: Option<u32>,
}

/// How much there is of a topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopicCounts {
    /// Grants to read it, those of patterns among them.
    pub subscribe_grants: u64,
    /// Grants to write it, those of patterns among them.
    pub publish_grants: u64,
    /// The enabled ones, the paused among them.
    pub listeners: u64,
    /// The enabled ones.
    pub publishers: u64,
}

pub(crate) async fn apply(
    tx: &mut SqliteConnection,
    fact: &Fact<'_>,
) -> Result<(), ReadModelError> {
    match fact.event {
        Event::TopicsDiscovered(e) => {
            forget(tx, e.connection).await?;
            sqlx::query(
                "INSERT OR REPLACE INTO topics (connection, name, partitions) \
                 SELECT ?1, value ->> 'name', value ->> 'partitions' FROM json_each(?2)",
            )
            .bind(e.connection.to_string())
            .bind(serde_json::to_string(&e.topics)?)
            .execute(tx)
            .await?;
        }
        Event::BrokerReplaced(e) => forget(tx, e.connection).await?,
        Event::BrokerDisconnected(e) => forget(tx, e.connection).await?,
        _ => {}
    }
    Ok(())
}

async fn forget(tx: &mut SqliteConnection, connection: ConnectionId) -> Result<(), ReadModelError> {
    sqlx::query("DELETE FROM topics WHERE connection = ?1")
        .bind(connection.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

impl ReadModel {
    /// The topic, if its broker has it.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn topic(&self, id: &TopicId) -> Result<Option<Topic>, ReadModelError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT connection, name, partitions FROM topics WHERE connection = ?1 AND name = ?2",
        )
        .bind(id.connection.to_string())
        .bind(id.topic.as_str())
        .fetch_optional(&self.readers)
        .await?;
        row.map(Topic::try_from).transpose()
    }

    /// How much there is of each of those topics, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn topic_counts(
        &self,
        topics: &[TopicId],
    ) -> Result<Vec<(TopicId, TopicCounts)>, ReadModelError> {
        let rows: Vec<(String, String, i64, i64, i64, i64)> = sqlx::query_as(
            "WITH asked (c, t) AS \
             (SELECT value ->> 'connection', value ->> 'topic' FROM json_each(?1)), \
             granted (c, t, access) AS ( \
             SELECT c, t, access FROM asked JOIN grants ON connection = c AND topic = t \
             UNION ALL SELECT c, t, access FROM asked \
             JOIN grants ON connection = c AND topic IS NULL AND t GLOB pattern) \
             SELECT c, t, \
             (SELECT count(*) FROM granted g \
             WHERE g.c = a.c AND g.t = a.t AND access = 'SUBSCRIBE'), \
             (SELECT count(*) FROM granted g \
             WHERE g.c = a.c AND g.t = a.t AND access = 'PUBLISH'), \
             (SELECT count(*) FROM listeners WHERE connection = c AND topic = t AND enabled = 1), \
             (SELECT count(*) FROM publishers WHERE connection = c AND topic = t AND enabled = 1) \
             FROM asked a",
        )
        .bind(serde_json::to_string(topics)?)
        .fetch_all(&self.readers)
        .await?;
        let counted = rows.into_iter().map(|row| {
            let (connection, topic, subscribe, publish, listeners, publishers) = row;
            let id = TopicId {
                connection: connection_id(&connection)?,
                topic: topic.try_into()?,
            };
            let counts = TopicCounts {
                subscribe_grants: subscribe.unsigned_abs(),
                publish_grants: publish.unsigned_abs(),
                listeners: listeners.unsigned_abs(),
                publishers: publishers.unsigned_abs(),
            };
            Ok((id, counts))
        });
        counted.collect()
    }

    /// The topics of a connection by name, those whose name holds `search`. The key of a page is
    /// the name.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn topics(
        &self,
        connection: ConnectionId,
        search: Option<&str>,
        paging: &Paging,
    ) -> Result<Page<Topic>, ReadModelError> {
        let page = paging.take(async |limit| {
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT connection, name, partitions FROM topics \
                 WHERE connection = ?1 AND name > ?2 AND (?3 IS NULL OR instr(name, ?3) > 0) \
                 ORDER BY name LIMIT ?4",
            )
            .bind(connection.to_string())
            .bind(&paging.after)
            .bind(search)
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
            rows.into_iter().map(Topic::try_from).collect()
        });
        page.await
    }
}

type Row = (String, String, Option<u32>);

impl TryFrom<Row> for Topic {
    type Error = ReadModelError;

    fn try_from((connection, name, partitions): Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            id: TopicId {
                connection: connection_id(&connection)?,
                topic: name.try_into()?,
            },
            partitions,
        })
    }
}
