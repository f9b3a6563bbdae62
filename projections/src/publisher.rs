//! Publishers, the enabled and the disabled.

use domain::{
    AlgorithmId, ConnectionId, Event, OrganizationName, Position, PublisherId, TopicId,
    VersionSelector,
};
use jiff::Timestamp;
use sqlx::{FromRow, SqliteConnection};

use crate::connection::connection_id;
use crate::page::{Page, Paging};
use crate::projector::Fact;
use crate::read::{ReadModel, ReadModelError, position_of, time_of};

/// A publisher that was enabled at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publisher {
    pub id: PublisherId,
    pub enabled: bool,
    pub version: VersionSelector,
    /// The position of the event that last changed it.
    pub revision: Position,
    pub changed_at: Timestamp,
    /// The event that a policy enabled or disabled it for.
    pub cause: Option<String>,
}

/// Whose publishers are asked for; all where nothing is set.
#[derive(Clone, Debug, Default)]
pub struct PublisherFilter {
    pub connection: Option<ConnectionId>,
    pub topic: Option<TopicId>,
    pub organization: Option<OrganizationName>,
    pub algorithm: Option<AlgorithmId>,
    pub enabled: Option<bool>,
    /// Part of the name of the topic or of the algorithm.
    pub search: Option<String>,
}

pub(crate) async fn apply(
    tx: &mut SqliteConnection,
    fact: &Fact<'_>,
) -> Result<(), ReadModelError> {
    match fact.event {
        Event::PublisherEnabled(e) => {
            sqlx::query(
                "INSERT OR REPLACE INTO publishers \
                 (key, connection, topic, algorithm, enabled, version, revision, changed_at, \
                  cause) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8)",
            )
            .bind(e.publisher.to_string())
            .bind(e.publisher.topic.connection.to_string())
            .bind(e.publisher.topic.topic.as_str())
            .bind(e.publisher.algorithm.to_string())
            .bind(e.version.to_string())
            .bind(fact.position)
            .bind(fact.at)
            .bind(e.cause.map(|cause| cause.to_string()))
            .execute(tx)
            .await?;
        }
        Event::PublisherVersionChanged(e) => {
            sqlx::query(
                "UPDATE publishers SET version = ?2, revision = ?3, changed_at = ?4 \
                 WHERE key = ?1",
            )
            .bind(e.publisher.to_string())
            .bind(e.version.to_string())
            .bind(fact.position)
            .bind(fact.at)
            .execute(tx)
            .await?;
        }
        Event::PublisherDisabled(e) => {
            sqlx::query(
                "UPDATE publishers SET enabled = 0, cause = ?2, revision = ?3, changed_at = ?4 \
                 WHERE key = ?1",
            )
            .bind(e.publisher.to_string())
            .bind(e.cause.map(|cause| cause.to_string()))
            .bind(fact.position)
            .bind(fact.at)
            .execute(tx)
            .await?;
        }
        _ => {}
    }
    Ok(())
}

impl ReadModel {
    /// The publisher, if it was ever enabled.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn publisher(&self, id: &PublisherId) -> Result<Option<Publisher>, ReadModelError> {
        let row: Option<Row> = sqlx::query_as("SELECT * FROM publishers WHERE key = ?1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.map(Publisher::try_from).transpose()
    }

    /// Publishers by topic and algorithm, on connections that are alive.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn publishers(
        &self,
        filter: &PublisherFilter,
        paging: &Paging,
    ) -> Result<Page<Publisher>, ReadModelError> {
        let topic = filter.topic.as_ref();
        let connection = topic.map(|topic| topic.connection).or(filter.connection);
        let page = paging.take(async |limit| {
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT p.* FROM publishers p \
                 JOIN connections c ON c.id = p.connection AND c.replaced_at IS NULL \
                 WHERE key > ?1 AND (?2 IS NULL OR connection = ?2) \
                 AND (?3 IS NULL OR topic = ?3) AND (?4 IS NULL OR algorithm = ?4) \
                 AND (?5 IS NULL OR algorithm GLOB ?5 || '/*') AND (?6 IS NULL OR enabled = ?6) \
                 AND (?7 IS NULL OR instr(topic, ?7) > 0 OR instr(algorithm, ?7) > 0) \
                 ORDER BY key LIMIT ?8",
            )
            .bind(&paging.after)
            .bind(connection.map(|id| id.to_string()))
            .bind(topic.map(|topic| topic.topic.as_str()))
            .bind(filter.algorithm.as_ref().map(ToString::to_string))
            .bind(filter.organization.as_ref().map(OrganizationName::as_str))
            .bind(filter.enabled)
            .bind(&filter.search)
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
            rows.into_iter().map(Publisher::try_from).collect()
        });
        page.await
    }
}

/// The enabled publishers of an algorithm, inside a transaction.
pub(crate) async fn enabled(
    tx: &mut SqliteConnection,
    algorithm: &AlgorithmId,
) -> Result<Vec<Publisher>, ReadModelError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT * FROM publishers WHERE algorithm = ?1 AND enabled = 1 ORDER BY key",
    )
    .bind(algorithm.to_string())
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(Publisher::try_from).collect()
}

#[derive(FromRow)]
struct Row {
    connection: String,
    topic: String,
    algorithm: String,
    enabled: bool,
    version: String,
    revision: i64,
    changed_at: i64,
    cause: Option<String>,
}

impl TryFrom<Row> for Publisher {
    type Error = ReadModelError;

    fn try_from(row: Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            id: PublisherId {
                topic: TopicId {
                    connection: connection_id(&row.connection)?,
                    topic: row.topic.try_into()?,
                },
                algorithm: row.algorithm.try_into()?,
            },
            enabled: row.enabled,
            version: row.version.try_into()?,
            revision: position_of(row.revision),
            changed_at: time_of(row.changed_at)?,
            cause: row.cause,
        })
    }
}
