//! Broker connections that are alive.

use domain::connection::BrokerSettings;
use domain::{ConnectionId, ConnectionName, Event};
use jiff::Timestamp;
use sqlx::SqliteConnection;

use crate::page::{Page, Paging};
use crate::projector::Fact;
use crate::read::{ReadModel, ReadModelError, time_of};

/// A broker connection that is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub id: ConnectionId,
    pub name: ConnectionName,
    pub settings: BrokerSettings,
    pub connected_at: Timestamp,
    /// When its list of topics was last seen to change.
    pub discovered_at: Option<Timestamp>,
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
        Event::TopicsDiscovered(e) => {
            sqlx::query("UPDATE connections SET discovered_at = ?2 WHERE id = ?1")
                .bind(e.connection.to_string())
                .bind(fact.at)
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

impl ReadModel {
    /// The connections of those ids that are alive, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn connections_by_id(
        &self,
        ids: &[ConnectionId],
    ) -> Result<Vec<Connection>, ReadModelError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, name, settings, connected_at, discovered_at FROM connections \
             WHERE id IN (SELECT value FROM json_each(?1))",
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
        let row: Option<Row> = sqlx::query_as(
            "SELECT id, name, settings, connected_at, discovered_at FROM connections \
             WHERE name = ?1",
        )
        .bind(name.as_str())
        .fetch_optional(&self.readers)
        .await?;
        row.map(Connection::try_from).transpose()
    }

    /// Connections by name. The key of a page is the name.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn connections(&self, paging: &Paging) -> Result<Page<Connection>, ReadModelError> {
        let page = paging.take(async |limit| {
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT id, name, settings, connected_at, discovered_at FROM connections \
                 WHERE name > ?1 ORDER BY name LIMIT ?2",
            )
            .bind(&paging.after)
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
    let settings: Option<String> =
        sqlx::query_scalar("SELECT settings FROM connections WHERE id = ?1")
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

type Row = (String, String, String, i64, Option<i64>);

impl TryFrom<Row> for Connection {
    type Error = ReadModelError;

    fn try_from(row: Row) -> Result<Self, ReadModelError> {
        let (id, name, settings, connected_at, discovered_at) = row;
        Ok(Self {
            id: connection_id(&id)?,
            name: name.try_into()?,
            settings: serde_json::from_str(&settings)?,
            connected_at: time_of(connected_at)?,
            discovered_at: discovered_at.map(time_of).transpose()?,
        })
    }
}
