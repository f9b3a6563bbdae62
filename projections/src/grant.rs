//! Grants.

use domain::grant::Access;
use domain::{AlgorithmId, Event, TopicId};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::connection::connection_id;
use crate::page::{Page, Paging};
use crate::projector::Fact;
use crate::read::{ReadModel, ReadModelError, time_of};

/// A grant that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub topic: TopicId,
    pub algorithm: AlgorithmId,
    pub access: Access,
    pub granted_at: Timestamp,
}

/// Whose grants are asked for; all where nothing is set.
#[derive(Clone, Debug, Default)]
pub struct GrantFilter {
    pub topic: Option<TopicId>,
    pub algorithm: Option<AlgorithmId>,
}

impl Grant {
    /// The key that pages are ordered by.
    #[must_use]
    pub fn key(&self) -> String {
        key(&self.topic, &self.algorithm, self.access)
    }
}

fn key(topic: &TopicId, algorithm: &AlgorithmId, access: Access) -> String {
    format!("{topic}|{algorithm}|{access}")
}

pub(crate) async fn apply(
    tx: &mut SqliteConnection,
    fact: &Fact<'_>,
) -> Result<(), ReadModelError> {
    match fact.event {
        Event::TopicGranted(e) => {
            sqlx::query(
                "INSERT INTO grants (key, connection, topic, algorithm, access, granted_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .bind(key(&e.topic, &e.algorithm, e.access))
            .bind(e.topic.connection.to_string())
            .bind(e.topic.topic.as_str())
            .bind(e.algorithm.to_string())
            .bind(e.access.as_str())
            .bind(fact.at)
            .execute(tx)
            .await?;
        }
        Event::TopicRevoked(e) => {
            sqlx::query("DELETE FROM grants WHERE key = ?1")
                .bind(key(&e.topic, &e.algorithm, e.access))
                .execute(tx)
                .await?;
        }
        _ => {}
    }
    Ok(())
}

impl ReadModel {
    /// Grants by topic and algorithm.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn grants(
        &self,
        filter: &GrantFilter,
        paging: &Paging,
    ) -> Result<Page<Grant>, ReadModelError> {
        let page = paging.take(async |limit| {
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT connection, topic, algorithm, access, granted_at FROM grants \
                 WHERE key > ?1 AND (?2 IS NULL OR (connection = ?2 AND topic = ?3)) \
                 AND (?4 IS NULL OR algorithm = ?4) ORDER BY key LIMIT ?5",
            )
            .bind(&paging.after)
            .bind(filter.topic.as_ref().map(|t| t.connection.to_string()))
            .bind(filter.topic.as_ref().map(|t| t.topic.as_str()))
            .bind(filter.algorithm.as_ref().map(ToString::to_string))
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
            rows.into_iter().map(Grant::try_from).collect()
        });
        page.await
    }

    /// The grant of that topic, algorithm and access, if it stands.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn grant(
        &self,
        topic: &TopicId,
        algorithm: &AlgorithmId,
        access: Access,
    ) -> Result<Option<Grant>, ReadModelError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT connection, topic, algorithm, access, granted_at FROM grants WHERE key = ?1",
        )
        .bind(key(topic, algorithm, access))
        .fetch_optional(&self.readers)
        .await?;
        row.map(Grant::try_from).transpose()
    }
}

/// Whether the grant stands, inside a transaction.
pub(crate) async fn stands(
    tx: &mut SqliteConnection,
    topic: &TopicId,
    algorithm: &AlgorithmId,
    access: Access,
) -> Result<bool, ReadModelError> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM grants WHERE key = ?1")
        .bind(key(topic, algorithm, access))
        .fetch_one(tx)
        .await?;
    Ok(count > 0)
}

type Row = (String, String, String, String, i64);

impl TryFrom<Row> for Grant {
    type Error = ReadModelError;

    fn try_from(row: Row) -> Result<Self, ReadModelError> {
        let (connection, topic, algorithm, access, granted_at) = row;
        Ok(Self {
            topic: TopicId {
                connection: connection_id(&connection)?,
                topic: topic.try_into()?,
            },
            algorithm: algorithm.try_into()?,
            access: serde_json::from_value(Value::String(access))?,
            granted_at: time_of(granted_at)?,
        })
    }
}
