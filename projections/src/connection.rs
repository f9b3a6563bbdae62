//! Broker connections: the alive, and the replaced.

use domain::connection::{BrokerKind, BrokerSettings};
use domain::{ConnectionId, ConnectionName, CredentialRef, Event};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

use crate::page::{Page, Paging};
use crate::projector::Fact;
use crate::read::{ReadModel, ReadModelError, time_of};

/// A broker connection that is alive or was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub id: ConnectionId,
    pub name: ConnectionName,
    /// As they are now, credentials rotated.
    pub settings: BrokerSettings,
    pub connected_at: Timestamp,
    /// When its list of topics was last seen to change.
    pub discovered_at: Option<Timestamp>,
    /// What took over from it; it is gone.
    pub replaced: Option<Replaced>,
}

/// That a connection was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    pub at: Timestamp,
    pub by: ConnectionId,
}

/// Which connections are asked for; all that are alive where nothing is set.
#[derive(Clone, Debug, Default)]
pub struct ConnectionFilter {
    /// Part of the name.
    pub search: Option<String>,
    pub kind: Option<BrokerKind>,
}

pub(crate) async fn apply(
    tx: &mut SqliteConnection,
    fact: &Fact<'_>,
) -> Result<(), ReadModelError> {
    match fact.event {
        Event::BrokerConnected(e) => {
            sqlx::query(
                "INSERT INTO connections (id, name, settings, connected_at) \
                 VALUES (?1, ?2, ?3, ?4)",
            )
            .bind(e.connection.to_string())
            .bind(e.name.as_str())
            .bind(serde_json::to_string(&e.settings)?)
            .bind(fact.at)
            .execute(tx)
            .await?;
        }
        Event::BrokerCredentialsRotated(e) => rotate(tx, e.connection, &e.credential).await?,
        Event::TopicsDiscovered(e) => {
            sqlx::query("UPDATE connections SET discovered_at = ?2 WHERE id = ?1")
                .bind(e.connection.to_string())
                .bind(fact.at)
                .execute(tx)
                .await?;
        }
        Event::BrokerReplaced(e) => {
            sqlx::query("UPDATE connections SET replaced_at = ?2, replaced_by = ?3 WHERE id = ?1")
                .bind(e.connection.to_string())
                .bind(fact.at)
                .bind(e.replacement.to_string())
                .execute(tx)
                .await?;
        }
        Event::BrokerDisconnected(e) => {
            sqlx::query("DELETE FROM connections WHERE id = ?1")
                .bind(e.connection.to_string())
                .execute(tx)
                .await?;
        }
        _ => {}
    }
    Ok(())
}

async fn rotate(
    tx: &mut SqliteConnection,
    id: ConnectionId,
    credential: &CredentialRef,
) -> Result<(), ReadModelError> {
    let Some(mut rotated) = settings(tx, id).await? else {
        return Ok(());
    };
    rotated.rotate(credential);
    sqlx::query("UPDATE connections SET settings = ?2 WHERE id = ?1")
        .bind(id.to_string())
        .bind(serde_json::to_string(&rotated)?)
        .execute(tx)
        .await?;
    Ok(())
}

impl ReadModel {
    /// The connections of those ids, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn connections_by_id(
        &self,
        ids: &[ConnectionId],
    ) -> Result<Vec<Connection>, ReadModelError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT * FROM connections WHERE id IN (SELECT value FROM json_each(?1))",
        )
        .bind(serde_json::to_string(ids)?)
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(Connection::try_from).collect()
    }

    /// The connection of that name, if it is alive.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn connection_by_name(
        &self,
        name: &ConnectionName,
    ) -> Result<Option<Connection>, ReadModelError> {
        let row: Option<Row> =
            sqlx::query_as("SELECT * FROM connections WHERE name = ?1 AND replaced_at IS NULL")
                .bind(name.as_str())
                .fetch_optional(&self.readers)
                .await?;
        row.map(Connection::try_from).transpose()
    }

    /// Connections that are alive, by name. The key of a page is the name.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn connections(
        &self,
        filter: &ConnectionFilter,
        paging: &Paging,
    ) -> Result<Page<Connection>, ReadModelError> {
        let kind = filter.kind.map(serde_json::to_value).transpose()?;
        let page = paging.take(async |limit| {
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT * FROM connections WHERE name > ?1 AND replaced_at IS NULL \
                 AND (?2 IS NULL OR instr(name, ?2) > 0) \
                 AND (?3 IS NULL OR settings ->> 'kind' = ?3) ORDER BY name LIMIT ?4",
            )
            .bind(&paging.after)
            .bind(&filter.search)
            .bind(kind.as_ref().and_then(Value::as_str))
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
            rows.into_iter().map(Connection::try_from).collect()
        });
        page.await
    }
}

/// The settings of a connection that is alive, inside a transaction.
pub(crate) async fn settings(
    tx: &mut SqliteConnection,
    id: ConnectionId,
) -> Result<Option<BrokerSettings>, ReadModelError> {
    let settings: Option<String> = sqlx::query_scalar(
        "SELECT settings FROM connections WHERE id = ?1 AND replaced_at IS NULL",
    )
    .bind(id.to_string())
    .fetch_optional(tx)
    .await?;
    Ok(settings
        .map(|text| serde_json::from_str(&text))
        .transpose()?)
}

/// When a connection was connected, inside a transaction; long ago where it is gone.
pub(crate) async fn connected_at(
    tx: &mut SqliteConnection,
    id: ConnectionId,
) -> Result<Timestamp, ReadModelError> {
    let connected_at: Option<i64> =
        sqlx::query_scalar("SELECT connected_at FROM connections WHERE id = ?1")
            .bind(id.to_string())
            .fetch_optional(tx)
            .await?;
    time_of(connected_at.unwrap_or_default())
}

/// A stored connection id.
pub(crate) fn connection_id(stored: &str) -> Result<ConnectionId, ReadModelError> {
    let id = stored
        .parse()
        .map_err(|error: uuid::Error| ReadModelError::Row(Box::new(error)))?;
    Ok(ConnectionId(id))
}

#[derive(FromRow)]
struct Row {
    id: String,
    name: String,
    settings: String,
    connected_at: i64,
    discovered_at: Option<i64>,
    replaced_at: Option<i64>,
    replaced_by: Option<String>,
}

impl TryFrom<Row> for Connection {
    type Error = ReadModelError;

    fn try_from(row: Row) -> Result<Self, ReadModelError> {
        let replaced = row.replaced_at.zip(row.replaced_by).map(|(at, by)| {
            Ok::<_, ReadModelError>(Replaced {
                at: time_of(at)?,
                by: connection_id(&by)?,
            })
        });
        Ok(Self {
            id: connection_id(&row.id)?,
            name: row.name.try_into()?,
            settings: serde_json::from_str(&row.settings)?,
            connected_at: time_of(row.connected_at)?,
            discovered_at: row.discovered_at.map(time_of).transpose()?,
            replaced: replaced.transpose()?,
        })
    }
}
