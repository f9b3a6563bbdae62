//! Workers that are here.

use domain::{
    Event, JournalId, WorkerId, of_algorithm, of_broker, of_command, of_grant, of_listener,
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
    /// The one that it decides in.
    pub journal: JournalId,
    /// Whether that is not the cluster's, so that it is assigned nothing.
    pub stands_by: bool,
    /// Who has the assignments: one of those that decide in the cluster's journal.
    pub has_them: Option<WorkerId>,
}

/// Selects the workers of which a condition is true.
macro_rules! workers_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, joined_at, journal, \
             CAST(CASE WHEN EXISTS (SELECT 1 FROM cluster c WHERE c.journal <> workers.journal) \
                       THEN 1 ELSE 0 END AS BIGINT), \
             (SELECT min(w.id) FROM workers w JOIN cluster c ON c.journal = w.journal) \
             FROM workers WHERE ",
            $condition
        )
    };
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
            "INSERT INTO workers (id, joined_at, journal) VALUES (?1, ?2, ?3) \
             ON CONFLICT (id) DO UPDATE SET joined_at = excluded.joined_at, \
                                            journal = excluded.journal",
            &[text(e.worker), fact.at.into(), text(e.journal)],
        ),
        Event::WorkerLeft(e) => tx.execute("DELETE FROM workers WHERE id = ?1", &[text(e.worker)]),
        Event::JournalAdopted(e) => tx.execute(
            "INSERT INTO cluster (id, journal) VALUES (1, ?1) \
             ON CONFLICT (id) DO UPDATE SET journal = excluded.journal",
            &[text(e.journal)],
        ),
        Event::ReadModelsRebuilt(_)
        | Event::ConsumerStarted(_)
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
        | of_command!() => Ok(()),
    }
}

impl ReadModel {
    /// A worker that has joined, and has not left since.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn worker(&self, id: WorkerId) -> Result<Option<Worker>, ReadModelError> {
        let select = Statement::new(workers_where!("id = ?1")).bind(text(id));
        self.row(select).await
    }

    /// The workers of those ids, in no order; those that have left are missing.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn workers_by_id(&self, ids: &[WorkerId]) -> Result<Vec<Worker>, ReadModelError> {
        let select = workers_where!("id IN (SELECT value FROM json_each(?1))");
        let ids = serde_json::to_string(ids)?;
        self.rows(Statement::new(select).bind(ids)).await
    }
}

impl Select for WorkerFilter {
    type Row = Worker;

    const KEY: &'static str = "id";

    fn rows(&self) -> Statement {
        Statement::new(workers_where!("true"))
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
            journal: JournalId(row.parse()?),
            stands_by: row.take()?,
            has_them: has_them(row)?,
        })
    }
}

fn has_them(row: &mut Row) -> Result<Option<WorkerId>, ReadModelError> {
    let id: Option<String> = row.take()?;
    let id = id.map(|id| id.parse()).transpose();
    let id = id.map_err(|error: uuid::Error| ReadModelError::Row(Box::new(error)))?;
    Ok(id.map(WorkerId))
}
