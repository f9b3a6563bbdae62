//! Workers that are here, and the consumers they run.

use std::fmt;

use domain::{
    BrokerId, Event, ListenerId, Thing, WorkerId, of_algorithm, of_broker, of_cluster, of_command,
    of_grant, of_listener, of_organization, of_publisher,
};
use jiff::Timestamp;

use crate::change::{Find, Noted};
use crate::database::{FromRow, Row, Statement, Tx, text};
use crate::error::ReadModelError;
use crate::fact::Fact;
use crate::list::{Listed, Select, Sort, Sorted};
use crate::model::ReadModel;

/// A worker that joined and has not left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    pub id: WorkerId,
    pub joined_at: Timestamp,
}

/// A consumer that a worker reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    pub worker: WorkerId,
    /// The listener's key.
    pub listener: String,
    pub state: ConsumerState,
    /// Why it is blocked or failed.
    pub reason: Option<String>,
    pub since: Timestamp,
}

/// Which workers are asked for: all that are here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WorkerFilter;

/// What workers can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WorkerSort {
    /// By id.
    #[default]
    Id,
    JoinedAt,
}

impl Sort for WorkerSort {
    fn column(self) -> Option<&'static str> {
        match self {
            Self::Id => None,
            Self::JoinedAt => Some("joined_at"),
        }
    }
}

/// What a consumer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConsumerState {
    Running,
    /// It holds its position.
    Blocked,
    /// It ended by itself and will be started again.
    Failed,
}

/// How many consumers there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsumerCounts {
    pub running: u64,
    pub blocked: u64,
    pub failed: u64,
}

pub(crate) fn apply(tx: &mut dyn Tx, fact: &Fact, noted: &mut Noted) -> Result<(), ReadModelError> {
    match &fact.event {
        Event::WorkerJoined(e) => {
            forget_consumers(tx, fact, e.worker, noted)?;
            tx.execute(
                "INSERT INTO workers (id, joined_at) VALUES (?1, ?2) \
                 ON CONFLICT (id) DO UPDATE SET joined_at = excluded.joined_at",
                &[text(e.worker), fact.at.into()],
            )
        }
        Event::WorkerLeft(e) => {
            forget_consumers(tx, fact, e.worker, noted)?;
            tx.execute("DELETE FROM workers WHERE id = ?1", &[text(e.worker)])
        }
        Event::ConsumerStarted(e) => {
            let running = (ConsumerState::Running, None);
            put(tx, fact, (e.worker, &e.listener), running)
        }
        Event::ListenerUnblocked(e) => {
            let running = (ConsumerState::Running, None);
            put(tx, fact, (e.worker, &e.listener), running)
        }
        Event::ListenerBlocked(e) => {
            let blocked = (ConsumerState::Blocked, Some(e.reason.as_str()));
            put(tx, fact, (e.worker, &e.listener), blocked)
        }
        Event::ConsumerFailed(e) => {
            let failed = (ConsumerState::Failed, Some(e.error.as_str()));
            put(tx, fact, (e.worker, &e.listener), failed)
        }
        Event::ConsumerStopped(e) => tx.execute(
            "DELETE FROM consumers WHERE worker = ?1 AND listener = ?2",
            &[text(e.worker), text(&e.listener)],
        ),
        of_organization!()
        | of_algorithm!()
        | of_broker!()
        | of_grant!()
        | of_listener!()
        | of_publisher!()
        | of_cluster!()
        | of_command!() => Ok(()),
    }
}

fn put(
    tx: &mut dyn Tx,
    fact: &Fact,
    (worker, listener): (WorkerId, &ListenerId),
    (state, reason): (ConsumerState, Option<&str>),
) -> Result<(), ReadModelError> {
    tx.execute(
        "INSERT INTO consumers (worker, listener, state, reason, since) \
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (worker, listener) DO UPDATE \
         SET state = excluded.state, reason = excluded.reason, since = excluded.since",
        &[
            text(worker),
            text(listener),
            state.text().into(),
            reason.into(),
            fact.at.into(),
        ],
    )
}

/// Its listeners, and the status of their brokers, show one consumer less.
fn forget_consumers(
    tx: &mut dyn Tx,
    fact: &Fact,
    worker: WorkerId,
    noted: &mut Noted,
) -> Result<(), ReadModelError> {
    let listeners = Find {
        sql: "SELECT listener FROM consumers WHERE worker = ?1 ORDER BY listener LIMIT ?2",
        values: &[text(worker)],
        thing: |row| Ok(Thing::Listener(row.parse()?)),
    };
    noted.note_found(tx, fact, listeners)?;
    let brokers = Find {
        sql: "SELECT DISTINCT l.broker FROM consumers s JOIN listeners l ON l.key = s.listener \
              WHERE s.worker = ?1 ORDER BY l.broker LIMIT ?2",
        values: &[text(worker)],
        thing: |row| Ok(Thing::Broker(row.take()?)),
    };
    noted.note_found(tx, fact, brokers)?;
    tx.execute("DELETE FROM consumers WHERE worker = ?1", &[text(worker)])
}

impl ReadModel {
    /// Whether a worker has joined, and has not left since.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn has_joined(&self, worker: WorkerId) -> Result<bool, ReadModelError> {
        let select = Statement::new("SELECT id FROM workers WHERE id = ?1").bind(text(worker));
        let found: Option<String> = self.row(select).await?;
        Ok(found.is_some())
    }

    /// The workers of those ids, in no order; those that have left are missing.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn workers_by_id(&self, ids: &[WorkerId]) -> Result<Vec<Worker>, ReadModelError> {
        let select = "SELECT id, joined_at FROM workers \
                      WHERE id IN (SELECT value FROM json_each(?1))";
        let ids = serde_json::to_string(ids)?;
        self.rows(Statement::new(select).bind(ids)).await
    }

    /// The consumers of those listeners, given by their keys.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn consumers_of(
        &self,
        listeners: &[String],
    ) -> Result<Vec<Consumer>, ReadModelError> {
        let select = "SELECT worker, listener, state, reason, since FROM consumers \
                      WHERE listener IN (SELECT value FROM json_each(?1)) \
                      ORDER BY listener, worker";
        let listeners = serde_json::to_string(listeners)?;
        self.rows(Statement::new(select).bind(listeners)).await
    }

    /// How many consumers there are on each of those brokers; those without any are left out.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn consumer_counts(
        &self,
        brokers: &[BrokerId],
    ) -> Result<Vec<(BrokerId, ConsumerCounts)>, ReadModelError> {
        let select = "SELECT l.broker, count(*) FILTER (WHERE s.state = 'RUNNING'), \
                      count(*) FILTER (WHERE s.state = 'BLOCKED'), \
                      count(*) FILTER (WHERE s.state = 'FAILED') \
                      FROM consumers s JOIN listeners l ON l.key = s.listener \
                      WHERE l.broker IN (SELECT value FROM json_each(?1)) \
                      GROUP BY l.broker";
        let brokers = serde_json::to_string(brokers)?;
        self.rows(Statement::new(select).bind(brokers)).await
    }
}

impl Select for WorkerFilter {
    type Row = Worker;

    const KEY: &'static str = "id";

    fn rows(&self) -> Statement {
        Statement::new("SELECT id, joined_at FROM workers WHERE true")
    }

    fn choose(&self, rows: Statement) -> Result<Statement, ReadModelError> {
        Ok(rows)
    }
}

impl Listed for Worker {
    type Sort = WorkerSort;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn sorted(&self, by: WorkerSort) -> Option<Sorted> {
        match by {
            WorkerSort::Id => None,
            WorkerSort::JoinedAt => Some(Sorted::Integer(self.joined_at.as_microsecond())),
        }
    }
}

impl FromRow for (BrokerId, ConsumerCounts) {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        let id = row.take()?;
        let counts = ConsumerCounts {
            running: row.take()?,
            blocked: row.take()?,
            failed: row.take()?,
        };
        Ok((id, counts))
    }
}

impl fmt::Display for ConsumerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl ConsumerState {
    fn text(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Blocked => "BLOCKED",
            Self::Failed => "FAILED",
        }
    }
}

impl FromRow for Worker {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            id: WorkerId(row.parse()?),
            joined_at: row.take()?,
        })
    }
}

impl FromRow for Consumer {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            worker: WorkerId(row.parse()?),
            listener: row.take()?,
            state: match row.take::<String>()?.as_str() {
                "BLOCKED" => ConsumerState::Blocked,
                "FAILED" => ConsumerState::Failed,
                _ => ConsumerState::Running,
            },
            reason: row.take()?,
            since: row.take()?,
        })
    }
}
