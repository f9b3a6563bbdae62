//! Algorithms and their versions.

use domain::algorithm::{Algorithm as State, Protocol, VersionPublished};
use domain::{AlgorithmId, Event, OrganizationName, Position, Version};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

use crate::page::{Page, Paging};
use crate::projector::Fact;
use crate::read::{ReadModel, ReadModelError, position_of, time_of};

/// An algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Algorithm {
    pub id: AlgorithmId,
    pub description: String,
    pub registered_at: Timestamp,
    pub retired_at: Option<Timestamp>,
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
    pub withdrawn: Option<Withdrawn>,
}

/// That a version is called no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    pub at: Timestamp,
    pub reason: Option<String>,
}

/// Which algorithms are asked for; all where nothing is set.
#[derive(Clone, Debug, Default)]
pub struct AlgorithmFilter {
    pub organization: Option<OrganizationName>,
    /// Part of the name as `organization/name`.
    pub search: Option<String>,
    pub retired: Option<bool>,
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
        Event::VersionWithdrawn(e) => {
            sqlx::query(
                "UPDATE versions SET withdrawn_at = ?3, withdrawn_reason = ?4 \
                 WHERE algorithm = ?1 AND version = ?2",
            )
            .bind(e.algorithm.to_string())
            .bind(e.version.to_string())
            .bind(fact.at)
            .bind(&e.reason)
            .execute(tx)
            .await?;
        }
        Event::AlgorithmRetired(e) => {
            sqlx::query("UPDATE algorithms SET retired_at = ?2 WHERE id = ?1")
                .bind(e.algorithm.to_string())
                .bind(fact.at)
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
            "SELECT id, description, registered_at, retired_at FROM algorithms \
             WHERE id IN (SELECT value FROM json_each(?1))",
        )
        .bind(serde_json::to_string(ids)?)
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(Algorithm::try_from).collect()
    }

    /// Algorithms by name.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn algorithms(
        &self,
        filter: &AlgorithmFilter,
        paging: &Paging,
    ) -> Result<Page<Algorithm>, ReadModelError> {
        let page = paging.take(async |limit| {
            let rows: Vec<AlgorithmRow> = sqlx::query_as(
                "SELECT id, description, registered_at, retired_at FROM algorithms \
                 WHERE id > ?1 AND (?2 IS NULL OR organization = ?2) \
                 AND (?3 IS NULL OR instr(id, ?3) > 0) \
                 AND (?4 IS NULL OR (retired_at IS NOT NULL) = ?4) ORDER BY id LIMIT ?5",
            )
            .bind(&paging.after)
            .bind(filter.organization.as_ref().map(OrganizationName::as_str))
            .bind(&filter.search)
            .bind(filter.retired)
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
            rows.into_iter().map(Algorithm::try_from).collect()
        });
        page.await
    }

    /// The published versions of those algorithms, the withdrawn among them, each algorithm's
    /// newest first.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn versions_of(
        &self,
        algorithms: &[AlgorithmId],
    ) -> Result<Vec<PublishedVersion>, ReadModelError> {
        let rows: Vec<VersionRow> = sqlx::query_as(
            "SELECT * FROM versions WHERE algorithm IN (SELECT value FROM json_each(?1))",
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

/// An algorithm with its versions as its decisions see it: what selectors are resolved by.
#[must_use]
pub fn state(retired: bool, versions: &[PublishedVersion]) -> State {
    let withdrawn = versions.iter().filter_map(|row| {
        let withdrawn = row.withdrawn.as_ref()?;
        Some((row.version.clone(), withdrawn.reason.clone()))
    });
    State {
        registered: true,
        retired,
        versions: versions
            .iter()
            .map(|row| (row.version.clone(), row.published()))
            .collect(),
        withdrawn: withdrawn.collect(),
    }
}

impl PublishedVersion {
    fn published(&self) -> VersionPublished {
        VersionPublished {
            algorithm: self.algorithm.clone(),
            version: self.version.clone(),
            endpoint: self.endpoint.clone(),
            protocol: self.protocol,
            timeout_ms: self.timeout_ms,
        }
    }
}

/// One algorithm with its versions, inside a transaction.
pub(crate) async fn by_id(
    tx: &mut SqliteConnection,
    algorithm: &AlgorithmId,
) -> Result<State, ReadModelError> {
    let retired: Option<bool> =
        sqlx::query_scalar("SELECT retired_at IS NOT NULL FROM algorithms WHERE id = ?1")
            .bind(algorithm.to_string())
            .fetch_optional(&mut *tx)
            .await?;
    let rows: Vec<VersionRow> = sqlx::query_as("SELECT * FROM versions WHERE algorithm = ?1")
        .bind(algorithm.to_string())
        .fetch_all(tx)
        .await?;
    let versions: Vec<PublishedVersion> = rows
        .into_iter()
        .map(PublishedVersion::try_from)
        .collect::<Result<_, _>>()?;
    Ok(state(retired.unwrap_or_default(), &versions))
}

fn protocol_text(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Raw => "RAW",
        Protocol::Algorithmia => "ALGORITHMIA",
    }
}

type AlgorithmRow = (String, String, i64, Option<i64>);

impl TryFrom<AlgorithmRow> for Algorithm {
    type Error = ReadModelError;

    fn try_from(row: AlgorithmRow) -> Result<Self, ReadModelError> {
        let (id, description, registered_at, retired_at) = row;
        Ok(Self {
            id: id.try_into()?,
            description,
            registered_at: time_of(registered_at)?,
            retired_at: retired_at.map(time_of).transpose()?,
        })
    }
}

#[derive(FromRow)]
struct VersionRow {
    algorithm: String,
    version: String,
    endpoint: String,
    protocol: String,
    timeout_ms: i64,
    published_at: i64,
    position: i64,
    withdrawn_at: Option<i64>,
    withdrawn_reason: Option<String>,
}

impl TryFrom<VersionRow> for PublishedVersion {
    type Error = ReadModelError;

    fn try_from(row: VersionRow) -> Result<Self, ReadModelError> {
        let withdrawn = row.withdrawn_at.map(|at| {
            Ok::<_, ReadModelError>(Withdrawn {
                at: time_of(at)?,
                reason: row.withdrawn_reason,
            })
        });
        Ok(Self {
            algorithm: row.algorithm.try_into()?,
            version: row
                .version
                .parse()
                .map_err(|error| ReadModelError::Row(Box::new(error)))?,
            endpoint: row.endpoint,
            protocol: serde_json::from_value(Value::String(row.protocol))?,
            timeout_ms: row.timeout_ms.unsigned_abs(),
            published_at: time_of(row.published_at)?,
            position: position_of(row.position),
            withdrawn: withdrawn.transpose()?,
        })
    }
}
