//! Workers that are here, and the consumers they run.

use domain::{Event, ListenerId, WorkerId};
use jiff::Timestamp;
use sqlx::SqliteConnection;

use crate::projector::Fact;
use crate::read::{ReadModel, ReadModelError, time_of};

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

/// What a consumer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumerState {
    Running,
    /// It holds its position.
    Blocked,
    /// It ended by itself and will be started again.
    Failed,
}

pub(crate) async fn apply(
    tx: &mut SqliteConnection,
    fact: &Fact<'_>,
) -> Result<(), ReadModelError> {
    match fact.event {
        Event::WorkerJoined(e) => {
            forget_consumers(tx, e.worker).await?;
            sqlx::query("INSERT OR REPLACE INTO workers (id, joined_at) VALUES (?1, ?2)")
                .bind(e.worker.to_string())
                .bind(fact.at)
                .execute(tx)
                .await?;
        }
        Event::WorkerLeft(e) => {
            forget_consumers(tx, e.worker).await?;
            sqlx::query("DELETE FROM workers WHERE id = ?1")
                .bind(e.worker.to_string())
                .execute(tx)
                .await?;
        }
        Event::ConsumerStarted(e) => {
            put(
                tx,
                fact,
                (e.worker, &e.listener),
                ConsumerState::Running,
                None,
            )
            .await?;
        }
        Event::ListenerUnblocked(e) => {
            put(
                tx,
                fact,
                (e.worker, &e.listener),
                ConsumerState::Running,
                None,
            )
            .await?;
        }
        Event::ListenerBlocked(e) => {
            let reason = Some(e.reason.as_str());
            put(
                tx,
                fact,
                (e.worker, &e.listener),
                ConsumerState::Blocked,
                reason,
            )
            .await?;
        }
        Event::ConsumerFailed(e) => {
            let reason = Some(e.error.as_str());
            put(
                tx,
                fact,
                (e.worker, &e.listener),
                ConsumerState::Failed,
                reason,
            )
            .await?;
        }
        Event::ConsumerStopped(e) => {
            sqlx::query("DELETE FROM consumers WHERE worker = ?1 AND listener = ?2")
                .bind(e.worker.to_string())
                .bind(e.listener.to_string())
                .execute(tx)
                .await?;
        }
        _ => {}
    }
    Ok(())
}

async fn put(
    tx: &mut SqliteConnection,
    fact: &Fact<'_>,
    (worker, listener): (WorkerId, &ListenerId),
    state: ConsumerState,
    reason: Option<&str>,
) -> Result<(), ReadModelError> {
    sqlx::query(
        "INSERT OR REPLACE INTO consumers (worker, listener, state, reason, since) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )
    .bind(worker.to_string())
    .bind(listener.to_string())
    .bind(state.text())
    .bind(reason)
    .bind(fact.at)
    .execute(tx)
    .await?;
    Ok(())
}

async fn forget_consumers(
    tx: &mut SqliteConnection,
    worker: WorkerId,
) -> Result<(), ReadModelError> {
    sqlx::query("DELETE FROM consumers WHERE worker = ?1")
        .bind(worker.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

impl ReadModel {
    /// The consumers of those listeners, given by their keys.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn consumers_of(
        &self,
        listeners: &[String],
    ) -> Result<Vec<Consumer>, ReadModelError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT worker, listener, state, reason, since FROM consumers \
             WHERE listener IN (SELECT value FROM json_each(?1)) ORDER BY listener, worker",
        )
        .bind(serde_json::to_string(listeners)?)
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(Consumer::try_from).collect()
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

type Row = (String, String, String, Option<String>, i64);

impl TryFrom<Row> for Consumer {
    type Error = ReadModelError;

    fn try_from((worker, listener, state, reason, since): Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            worker: WorkerId(
                worker
                    .parse()
                    .map_err(|error: uuid::Error| ReadModelError::Row(Box::new(error)))?,
            ),
            listener,
            state: match state.as_str() {
                "BLOCKED" => ConsumerState::Blocked,
                "FAILED" => ConsumerState::Failed,
                _ => ConsumerState::Running,
            },
            reason,
            since: time_of(since)?,
        })
    }
}
