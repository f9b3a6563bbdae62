//! Workers that are here.

use domain::{
    Event, WorkerId, of_algorithm, of_broker, of_cluster, of_command, of_grant, of_listener,
    of_organization, of_publisher,
};
use jiff::Timestamp;

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

pub(crate) fn apply(tx: &mut dyn Tx, fact: &Fact) -> Result<(), ReadModelError> {
    match &fact.event {
        Event::WorkerJoined(e) => tx.execute(
            "INSERT INTO workers (id, joined_at) VALUES (?1, ?2) \
             ON CONFLICT (id) DO UPDATE SET joined_at = excluded.joined_at",
            &[text(e.worker), fact.at.into()],
        ),
        Event::WorkerLeft(e) => tx.execute("DELETE FROM workers WHERE id = ?1", &[text(e.worker)]),
        Event::ConsumerStarted(_)
        | Event::ConsumerStopped(_)
        | Event::ConsumerFailed(_)
        | Event::ListenerBlocked(_)
        | Event::ListenerUnblocked(_)
        | of_organization!()
        | of_algorithm!()
        | of_broker!()
        | of_grant!()
        | of_listener!()
        | of_publisher!()
        | of_cluster!()
        | of_command!() => Ok(()),
    }
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

impl FromRow for Worker {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            id: WorkerId(row.parse()?),
            joined_at: row.take()?,
        })
    }
}
