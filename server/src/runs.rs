//! The journal's runs, as the API reads them.

use api::run::{LedgerRecord, RunRecord, RunSource, RunSourceError};
use async_trait::async_trait;
use uuid::Uuid;
use workers::Journal;
use workers::journal::{JournalError, RunRecord as JournalRun};

/// Runs of the journal of the worker inside.
pub struct JournalRuns(Journal);

impl JournalRuns {
    /// The runs of `journal`.
    #[must_use]
    pub fn new(journal: Journal) -> Self {
        Self(journal)
    }
}

#[async_trait]
impl RunSource for JournalRuns {
    async fn runs(
        &self,
        group: Uuid,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RunRecord>, RunSourceError> {
        // A key that is no number was never one of ours, and nothing comes after it.
        let Ok(after) = after.map(str::parse).transpose() else {
            return Ok(Vec::new());
        };
        let group = group.to_string();
        let runs = self.0.runs(&group, after, limit).await.map_err(failed)?;
        Ok(runs.into_iter().map(record).collect())
    }

    async fn ledger(&self, group: Uuid) -> Result<LedgerRecord, RunSourceError> {
        let ledger = self.0.ledger(&group.to_string()).await.map_err(failed)?;
        Ok(LedgerRecord {
            received: ledger.received,
            succeeded: ledger.succeeded,
            dead_lettered: ledger.dead_lettered,
            filtered: ledger.filtered,
            dropped: ledger.dropped,
            in_flight: ledger.in_flight,
        })
    }
}

fn record(run: JournalRun) -> RunRecord {
    let place = run.place;
    let mut record = RunRecord {
        id: run.run_id,
        key: run.number.to_string(),
        message: format!("{}/{}/{}", run.topic, place.partition, place.offset),
        claimed_at: run.claimed_at,
        attempts: run.attempts,
        decision: None,
        version: None,
        status: None,
        reason: None,
        reason_text: None,
        finished_at: None,
    };
    if let Some(recorded) = run.decision {
        record.decision = Some(recorded.decision);
        record.version = recorded.version;
        record.status = recorded.status;
        record.reason = recorded.reason;
        record.reason_text = recorded.reason_text;
        record.finished_at = Some(recorded.finished_at);
    }
    record
}

fn failed(error: JournalError) -> RunSourceError {
    RunSourceError(Box::new(error))
}
