//! Deciding runs, once each, and the outbox of what is decided.

use std::sync::Arc;

use rusqlite::params;

use super::batch::{Batch, Operation};
use super::reads;
use super::record::{Draft, Outcome, Recorded, RunKey};

/// Records the decision of a run that has none.
pub(super) struct Decide {
    pub(super) run: RunKey,
    pub(super) draft: Arc<Draft>,
}

/// Takes a published run out of the outbox.
pub(super) struct Published(pub(super) RunKey);

impl Operation for Decide {
    type Answer = Outcome;

    fn apply(&self, batch: &mut Batch<'_>) -> rusqlite::Result<Outcome> {
        let Self { run, draft } = self;
        let inserted = batch
            .tx
            .prepare_cached(
                "INSERT INTO decisions (run, listener, decision, version, revision, status, reason,
                                        reason_text, finished_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (run) DO NOTHING",
            )?
            .execute(params![
                run.run,
                run.listener.0,
                draft.decision.as_str(),
                draft.version.as_ref().map(ToString::to_string),
                draft.revision.map(|revision| revision.to_string()),
                draft.status,
                draft.reason.map(|reason| reason.as_str()),
                draft.reason_text,
                batch.now.as_microsecond(),
            ])?;
        if inserted == 0 {
            return Ok(Outcome::Earlier(Box::new(recorded(batch, *run)?)));
        }
        if draft.has_to_be_published() {
            batch
                .tx
                .prepare_cached(
                    "INSERT INTO outbox (run, content_type, content_encoding, result)
                     VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![
                    run.run,
                    draft.representation.content_type,
                    draft.representation.content_encoding,
                    draft.result.as_deref()
                ])?;
        }
        batch.count_decided(run.listener, draft.decision);
        Ok(Outcome::Recorded(batch.now))
    }
}

impl Operation for Published {
    type Answer = ();

    fn apply(&self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        batch
            .tx
            .prepare_cached("DELETE FROM outbox WHERE run = ?1")?
            .execute([self.0.run])
            .map(drop)
    }
}

fn recorded(batch: &Batch<'_>, run: RunKey) -> rusqlite::Result<Recorded> {
    let recorded = batch
        .tx
        .prepare_cached(
            "SELECT decision, version, revision, status, reason, reason_text, finished_at,
                    outbox.run IS NULL, content_type, content_encoding, result
             FROM decisions LEFT JOIN outbox USING (run) WHERE run = ?1",
        )?
        .query_row([run.run], |row| reads::recorded(row, 0))?;
    recorded.ok_or(rusqlite::Error::QueryReturnedNoRows)
}
