//! Brokers: connected ones, and those that were disconnected or replaced.

mod usage;

use std::collections::BTreeSet;

use domain::broker::{BrokerKind, BrokerSettings};
use domain::{
    BrokerId, BrokerName, CredentialRef, Event, Revision, of_algorithm, of_cluster, of_command,
    of_grant, of_listener, of_organization, of_publisher, of_worker,
};
use jiff::Timestamp;

use crate::database::{FromRow, FromValue, Row, Statement, Tx, text};
use crate::error::ReadModelError;
use crate::fact::Fact;
use crate::list::{Listed, Select, Sort, Sorted};
use crate::model::{ReadModel, time_of};
use crate::revision::revision_of;

pub use self::usage::BrokerCounts;

/// A broker, also one that was disconnected or replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    pub id: BrokerId,
    pub name: BrokerName,
    /// As they are now, credentials rotated.
    pub settings: BrokerSettings,
    pub connected_at: Timestamp,
    /// When its list of topics was last seen to change.
    pub discovered_at: Option<Timestamp>,
    /// That it was disconnected or replaced.
    pub ended: Option<Ended>,
    pub revision: Revision,
}

/// That a broker was disconnected or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    pub at: Timestamp,
    /// What took over from it.
    pub by: Option<BrokerId>,
}

impl Ended {
    fn new(at: Timestamp, by: Option<String>) -> Result<Self, ReadModelError> {
        let by = by.map(|by| BrokerId::from_value(by.into())).transpose()?;
        Ok(Self { at, by })
    }
}

/// Which brokers are asked for; all where nothing is set. Of several values any is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BrokerFilter {
    pub ids: Option<Vec<BrokerId>>,
    /// Part of the name.
    pub search: Option<String>,
    pub kinds: Option<Vec<BrokerKind>>,
    /// Connected ones, or disconnected and replaced ones.
    pub connected: Option<bool>,
    /// Those that it chooses are left out.
    pub not: Option<Box<Self>>,
}

impl BrokerFilter {
    /// All connected ones.
    #[must_use]
    pub fn connected() -> Self {
        Self {
            connected: Some(true),
            ..Self::default()
        }
    }
}

/// What brokers can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BrokerSort {
    #[default]
    Name,
    ConnectedAt,
}

impl Sort for BrokerSort {
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
            "INSERT INTO brokers (id, name, settings, settings_at, connected_at) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
            &[
                text(e.broker),
                e.name.as_str().into(),
                serde_json::to_string(&e.settings)?.into(),
                fact.position.into(),
                fact.at.into(),
            ],
        ),
        Event::BrokerCredentialsRotated(e) => rotate(tx, fact, e.broker, &e.credential),
        Event::TopicsChanged(e) => tx.execute(
            "UPDATE brokers SET discovered_at = ?2 WHERE id = ?1",
            &[text(e.broker), fact.at.into()],
        ),
        Event::BrokerReplaced(e) => {
            tx.execute(
                "UPDATE brokers SET ended_at = ?2, replaced_by = ?3 WHERE id = ?1",
                &[text(e.broker), fact.at.into(), text(e.replacement)],
            )?;
            succeed(tx, fact, e.broker, e.replacement)
        }
        Event::BrokerDisconnected(e) => {
            let sql = "UPDATE brokers SET ended_at = ?2 WHERE id = ?1 AND ended_at IS NULL";
            tx.execute(sql, &[text(e.broker), fact.at.into()])
        }
        of_organization!()
        | of_algorithm!()
        | of_grant!()
        | of_listener!()
        | of_publisher!()
        | of_worker!()
        | of_cluster!()
        | of_command!()
        | Event::TopicPatternGranted(_)
        | Event::TopicPatternRevoked(_) => Ok(()),
    }
}

fn rotate(
    tx: &mut dyn Tx,
    fact: &Fact,
    id: BrokerId,
    credential: &CredentialRef,
) -> Result<(), ReadModelError> {
    let Some(mut rotated) = settings(tx, id)? else {
        return Ok(());
    };
    rotated.rotate(credential);
    tx.execute(
        "UPDATE brokers SET settings = ?2, settings_at = ?3 WHERE id = ?1",
        &[
            text(id),
            serde_json::to_string(&rotated)?.into(),
            fact.position.into(),
        ],
    )
}

/// Notes what a broker has taken over from: workers are told again how it is reached.
fn succeed(
    tx: &mut dyn Tx,
    fact: &Fact,
    old: BrokerId,
    replacement: BrokerId,
) -> Result<(), ReadModelError> {
    let mut replaces = replaced_by(tx, replacement)?;
    replaces.extend(replaced_by(tx, old)?);
    replaces.insert(old);
    tx.execute(
        "UPDATE brokers SET replaces = ?2, settings_at = ?3 WHERE id = ?1",
        &[
            text(replacement),
            serde_json::to_string(&replaces)?.into(),
            fact.position.into(),
        ],
    )
}

/// The brokers that a broker took over from.
fn replaced_by(tx: &mut dyn Tx, id: BrokerId) -> Result<BTreeSet<BrokerId>, ReadModelError> {
    let rows = tx.query("SELECT replaces FROM brokers WHERE id = ?1", &[text(id)])?;
    let replaces = rows.into_iter().next().map(|mut row| row.json());
    Ok(replaces.transpose()?.unwrap_or_default())
}

const SELECT: &str = concat!(
    "SELECT id, name, settings, connected_at, discovered_at, ended_at, replaced_by, ",
    revision_of!("broker", "b.id"),
    " FROM brokers b"
);

impl ReadModel {
    /// The brokers of those ids, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn brokers_by_id(&self, ids: &[BrokerId]) -> Result<Vec<Broker>, ReadModelError> {
        let select = Statement::new(SELECT).then(" WHERE id IN (SELECT value FROM json_each(?1))");
        self.rows(select.bind(serde_json::to_string(ids)?)).await
    }

    /// The broker of that name, if it is connected.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn broker_by_name(
        &self,
        name: &BrokerName,
    ) -> Result<Option<Broker>, ReadModelError> {
        let select = Statement::new(SELECT).then(" WHERE name = ?1 AND ended_at IS NULL");
        self.row(select.bind(name.as_str())).await
    }
}

impl Select for BrokerFilter {
    type Row = Broker;

    // Names are unique among connected brokers alone, and a space comes before all that they hold.
    const KEY: &'static str = "(name || ' ' || id)";

    fn rows(&self) -> Statement {
        Statement::new(SELECT).then(" WHERE true")
    }

    fn choose(&self, rows: Statement) -> Result<Statement, ReadModelError> {
        let rows = rows
            .then(match self.connected {
                None => "",
                Some(true) => " AND ended_at IS NULL",
                Some(false) => " AND ended_at IS NOT NULL",
            })
            .add_any("id", self.ids.as_deref())?
            .add_if(" AND instr(name, ?) > 0", self.search.as_deref());
        let kinds = self.kinds.as_ref().map(serde_json::to_string).transpose()?;
        Ok(rows.add_if(
            " AND settings ->> 'kind' IN (SELECT value FROM json_each(?))",
            kinds,
        ))
    }

    fn not(&self) -> Option<&Self> {
        self.not.as_deref()
    }
}

impl Listed for Broker {
    type Sort = BrokerSort;

    fn key(&self) -> String {
        format!("{} {}", self.name, self.id)
    }

    fn sorted(&self, by: BrokerSort) -> Option<Sorted> {
        match by {
            BrokerSort::Name => None,
            BrokerSort::ConnectedAt => Some(Sorted::Integer(self.connected_at.as_microsecond())),
        }
    }
}

/// The settings of a connected broker, inside a transaction.
pub(crate) fn settings(
    tx: &mut dyn Tx,
    id: BrokerId,
) -> Result<Option<BrokerSettings>, ReadModelError> {
    let rows = tx.query(
        "SELECT settings FROM brokers WHERE id = ?1 AND ended_at IS NULL",
        &[text(id)],
    )?;
    let settings = rows.into_iter().next().map(|mut row| row.json());
    settings.transpose()
}

/// When a broker was connected, inside a transaction; long ago where it is disconnected.
pub(crate) fn connected_at(tx: &mut dyn Tx, id: BrokerId) -> Result<Timestamp, ReadModelError> {
    let rows = tx.query(
        "SELECT connected_at FROM brokers WHERE id = ?1",
        &[text(id)],
    )?;
    match rows.into_iter().next() {
        Some(mut row) => row.take(),
        None => time_of(0),
    }
}

impl FromRow for Broker {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            id: row.take()?,
            name: row.parse()?,
            settings: row.json()?,
            connected_at: row.take()?,
            discovered_at: row.take()?,
            ended: {
                let (at, by): (Option<Timestamp>, Option<String>) = (row.take()?, row.take()?);
                at.map(|at| Ended::new(at, by)).transpose()?
            },
            revision: row.take()?,
        })
    }
}
