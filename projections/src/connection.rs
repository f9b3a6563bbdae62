//! Broker connections: the alive, and the replaced.

use domain::connection::{BrokerKind, BrokerSettings};
use domain::{ConnectionId, ConnectionName, CredentialRef, Event};
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::batch::Fact;
use crate::database::{FromRow, Row, Statement, Tx, text};
use crate::page::{Listed, Select, Sort, Sorted};
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConnectionFilter {
    /// Part of the name.
    pub search: Option<String>,
    pub kind: Option<BrokerKind>,
}

/// What connections can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConnectionSort {
    #[default]
    Name,
    ConnectedAt,
}

impl Sort for ConnectionSort {
    fn column(self) -> Option<&'static str> {
        match self {
            Self::Name => None,
            Self::ConnectedAt => Some("connected_at"),
        }
    }
}

pub(crate) fn apply(tx: &mut dyn Tx, fact: &Fact) -> Result<(), ReadModelError> {
    match &fact.event {
        Event::BrokerConnected(e) => tx.execute(
            "INSERT INTO connections (id, name, settings, connected_at) VALUES (?1, ?2, ?3, ?4)",
            &[
                text(e.connection),
                e.name.as_str().into(),
                serde_json::to_string(&e.settings)?.into(),
                fact.at.into(),
            ],
        ),
        Event::BrokerCredentialsRotated(e) => rotate(tx, e.connection, &e.credential),
        Event::TopicsDiscovered(e) => tx.execute(
            "UPDATE connections SET discovered_at = ?2 WHERE id = ?1",
            &[text(e.connection), fact.at.into()],
        ),
        Event::BrokerReplaced(e) => tx.execute(
            "UPDATE connections SET replaced_at = ?2, replaced_by = ?3 WHERE id = ?1",
            &[text(e.connection), fact.at.into(), text(e.replacement)],
        ),
        Event::BrokerDisconnected(e) => tx.execute(
            "DELETE FROM connections WHERE id = ?1",
            &[text(e.connection)],
        ),
        _ => Ok(()),
    }
}

fn rotate(
    tx: &mut dyn Tx,
    id: ConnectionId,
    credential: &CredentialRef,
) -> Result<(), ReadModelError> {
    let Some(mut rotated) = settings(tx, id)? else {
        return Ok(());
    };
    rotated.rotate(credential);
    tx.execute(
        "UPDATE connections SET settings = ?2 WHERE id = ?1",
        &[text(id), serde_json::to_string(&rotated)?.into()],
    )
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
        let select = "SELECT id, name, settings, connected_at, discovered_at, replaced_at, \
                      replaced_by FROM connections \
                      WHERE id IN (SELECT value FROM json_each(?1))";
        let ids = serde_json::to_string(ids)?;
        self.rows(Statement::new(select).bind(ids)).await
    }

    /// The connection of that name, if it is alive.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn connection_by_name(
        &self,
        name: &ConnectionName,
    ) -> Result<Option<Connection>, ReadModelError> {
        let select = "SELECT id, name, settings, connected_at, discovered_at, replaced_at, \
                      replaced_by FROM connections WHERE name = ?1 AND replaced_at IS NULL";
        self.row(Statement::new(select).bind(name.as_str())).await
    }
}

/// Connections that are alive.
impl Select for ConnectionFilter {
    type Row = Connection;

    const KEY: &'static str = "name";

    fn select(&self) -> Result<Statement, ReadModelError> {
        let kind = self.kind.map(serde_json::to_value).transpose()?;
        let select = "SELECT id, name, settings, connected_at, discovered_at, replaced_at, \
                      replaced_by FROM connections WHERE replaced_at IS NULL";
        Ok(Statement::new(select)
            .add_if(" AND instr(name, ?) > 0", self.search.as_deref())
            .add_if(
                " AND settings ->> 'kind' = ?",
                kind.as_ref().and_then(Json::as_str),
            ))
    }
}

impl Listed for Connection {
    type Sort = ConnectionSort;

    fn key(&self) -> String {
        self.name.to_string()
    }

    fn sorted(&self, by: ConnectionSort) -> Option<Sorted> {
        match by {
            ConnectionSort::Name => None,
            ConnectionSort::ConnectedAt => {
                Some(Sorted::Integer(self.connected_at.as_microsecond()))
            }
        }
    }
}

/// The settings of a connection that is alive, inside a transaction.
pub(crate) fn settings(
    tx: &mut dyn Tx,
    id: ConnectionId,
) -> Result<Option<BrokerSettings>, ReadModelError> {
    let rows = tx.query(
        "SELECT settings FROM connections WHERE id = ?1 AND replaced_at IS NULL",
        &[text(id)],
    )?;
    let settings = rows.into_iter().next().map(|mut row| row.json());
    settings.transpose()
}

/// When a connection was connected, inside a transaction; long ago where it is gone.
pub(crate) fn connected_at(tx: &mut dyn Tx, id: ConnectionId) -> Result<Timestamp, ReadModelError> {
    let rows = tx.query(
        "SELECT connected_at FROM connections WHERE id = ?1",
        &[text(id)],
    )?;
    match rows.into_iter().next() {
        Some(mut row) => row.take(),
        None => time_of(0),
    }
}

impl FromRow for Connection {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        let mut connection = Self {
            id: row.take()?,
            name: row.parse()?,
            settings: row.json()?,
            connected_at: row.take()?,
            discovered_at: row.take()?,
            replaced: None,
        };
        if let Some(at) = row.take()? {
            let by = row.take()?;
            connection.replaced = Some(Replaced { at, by });
        }
        Ok(connection)
    }
}
