//! Consumers: what serves a listener in a worker, as that worker reported it.

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
use crate::list::{ByKey, Listed, Select, Sorted};
use crate::model::ReadModel;

/// A consumer that a worker reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    pub worker: WorkerId,
    pub listener: ListenerId,
    pub state: ConsumerState,
    /// Why it is blocked or failed.
    pub reason: Option<String>,
    pub since: Timestamp,
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

/// Which consumers of a listener are asked for; all where nothing is set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConsumerFilter {
    pub listener: ListenerId,
    /// Those in one of these.
    pub states: Option<Vec<ConsumerState>>,
    /// Those that it chooses are left out.
    pub not: Option<Box<Self>>,
}

pub(crate) fn apply(tx: &mut dyn Tx, fact: &Fact, noted: &mut Noted) -> Result<(), ReadModelError> {
    match &fact.event {
        Event::WorkerJoined(e) => forget(tx, fact, e.worker, noted),
        Event::WorkerLeft(e) => forget(tx, fact, e.worker, noted),
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
fn forget(
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

impl Select for ConsumerFilter {
    type Row = Consumer;

    const KEY: &'static str = "worker";

    fn rows(&self) -> Statement {
        let select = "SELECT worker, listener, state, reason, since FROM consumers \
                      WHERE listener = ?1";
        Statement::new(select).bind(text(&self.listener))
    }

    fn choose(&self, rows: Statement) -> Result<Statement, ReadModelError> {
        let states = self.states.as_ref();
        let states: Option<Vec<&str>> =
            states.map(|states| states.iter().map(|state| state.text()).collect());
        Ok(rows.add_any("state", states.as_deref())?)
    }

    fn not(&self) -> Option<&Self> {
        self.not.as_deref()
    }
}

impl Listed for Consumer {
    type Sort = ByKey;

    fn key(&self) -> String {
        self.worker.to_string()
    }

    fn sorted(&self, _: ByKey) -> Option<Sorted> {
        None
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

impl FromRow for Consumer {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            worker: WorkerId(row.parse()?),
            listener: row.parse()?,
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
