//! Algorithms and their versions.

use domain::algorithm::Protocol;
use domain::{AlgorithmId, Event, OrganizationName, Position, Version};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::page::{Page, Paging};
use crate::projector::Fact;
use crate::read::{ReadModel, ReadModelError, position_of, time_of};

/// An algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Algorithm {
    pub id: AlgorithmId,
    pub description: String,
    pub registered_at: Timestamp,
}

/// A published version of an algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedVersion {
    pub algorithm: AlgorithmId,
    pub version: Version,
    pub endpoint: String,
    pub protocol: Protocol,
    pub timeout_ms: u64,
    pub published_at: Timestamp,
    pub position: Position,
}

pub(crate) async fn apply(
    tx: &mut SqliteConnection,
    fact: &Fact<'_>,
) -> Result<(), ReadModelError> {
    match fact.event {
        Event::AlgorithmRegistered(e) => {
            sqlx::query(
                "INSERT INTO algorithms (id, organization, description, registered_at) \
                 VALUES (?1, ?2, ?3, ?4)",
            )
            .bind(e.algorithm.to_string())
            .bind(e.algorithm.organization.as_str())
            .bind(&e.description)
            .bind(fact.at)
            .execute(tx)
            .await?;
        }
        Event::VersionPublished(e) => {
            sqlx::query(
                "INSERT INTO versions \
                 (algorithm, version, endpoint, protocol, timeout_ms, published_at, position) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .bind(e.algorithm.to_string())
            .bind(e.version.to_string())
            .bind(&e.endpoint)
            .bind(protocol_text(e.protocol))
            .bind(i64::try_from(e.timeout_ms).unwrap_or(i64::MAX))
            .bind(fact.at)
            .bind(fact.position)
            .execute(tx)
            .await?;
        }
        _ => {}
    }
    Ok(())
}

impl ReadModel {
    /// The algorithms of those ids, in no order; absent ones are left out.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn algorithms_by_id(
        &self,
        ids: &[AlgorithmId],
    ) -> Result<Vec<Algorithm>, ReadModelError> {
        let rows: Vec<AlgorithmRow> = sqlx::query_as(
            "SELECT id, description, registered_at FROM algorithms \
             WHERE id IN (SELECT value FROM json_each(?1))",
        )
        .bind(serde_json::to_string(ids)?)
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(Algorithm::try_from).collect()
    }

    /// Algorithms by name, of one organization or of all.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn algorithms(
        &self,
        organization: Option<&OrganizationName>,
        paging: &Paging,
    ) -> Result<Page<Algorithm>, ReadModelError> {
        let page = paging.take(async |limit| {
            let rows: Vec<AlgorithmRow> = sqlx::query_as(
                "SELECT id, description, registered_at FROM algorithms \
                 WHERE id > ?1 AND (?2 IS NULL OR organization = ?2) ORDER BY id LIMIT ?3",
            )
            .bind(&paging.after)
            .bind(organization.map(OrganizationName::as_str))
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
            rows.into_iter().map(Algorithm::try_from).collect()
        });
        page.await
    }

    /// The published versions of those algorithms, each algorithm's newest first.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn versions_of(
        &self,
        algorithms: &[AlgorithmId],
    ) -> Result<Vec<PublishedVersion>, ReadModelError> {
        let rows: Vec<VersionRow> = sqlx::query_as(
            "SELECT algorithm, version, endpoint, protocol, timeout_ms, published_at, position \
             FROM versions WHERE algorithm IN (SELECT value FROM json_each(?1))",
        )
        .bind(serde_json::to_string(algorithms)?)
        .fetch_all(&self.readers)
        .await?;
        let mut versions: Vec<PublishedVersion> = rows
            .into_iter()
            .map(PublishedVersion::try_from)
            .collect::<Result<_, _>>()?;
        versions.sort_by(|a, b| (&a.algorithm, &b.version).cmp(&(&b.algorithm, &a.version)));
        Ok(versions)
    }
}

/// The published versions of one algorithm, inside a transaction.
pub(crate) async fn versions(
    tx: &mut SqliteConnection,
    algorithm: &AlgorithmId,
) -> Result<Vec<PublishedVersion>, ReadModelError> {
    let rows: Vec<VersionRow> = sqlx::query_as(
        "SELECT algorithm, version, endpoint, protocol, timeout_ms, published_at, position \
         FROM versions WHERE algorithm = ?1",
    )
    .bind(algorithm.to_string())
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(PublishedVersion::try_from).collect()
}

fn protocol_text(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Raw => "RAW",
        Protocol::Algorithmia => "ALGORITHMIA",
    }
}

type AlgorithmRow = (String, String, i64);

impl TryFrom<AlgorithmRow> for Algorithm {
    type Error = ReadModelError;

    fn try_from((id, description, registered_at): AlgorithmRow) -> Result<Self, ReadModelError> {
        Ok(Self {
            id: id.try_into()?,
            description,
            registered_at: time_of(registered_at)?,
        })
    }
}

type VersionRow = (String, String, String, String, i64, i64, i64);

impl TryFrom<VersionRow> for PublishedVersion {
    type Error = ReadModelError;

    fn try_from(row: VersionRow) -> Result<Self, ReadModelError> {
        let (algorithm, version, endpoint, protocol, timeout_ms, published_at, position) = row;
        Ok(Self {
            algorithm: algorithm.try_into()?,
            version: version
                .parse()
                .map_err(|error| ReadModelError::Row(Box::new(error)))?,
            endpoint,
            protocol: serde_json::from_value(Value::String(protocol))?,
            timeout_ms: timeout_ms.unsigned_abs(),
            published_at: time_of(published_at)?,
            position: position_of(position),
        })
    }
}
