//! Calls that did not succeed.

use std::time::Duration;

use domain::run::Attempt;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::batch::Batch;
use super::reads::{damaged, text};
use crate::journal::operation::NoteFailedCall;
use crate::journal::{LONGEST_TEXT, MOST_FAILED_CALLS};

impl Batch<'_> {
    pub(super) fn note_failed_call(&mut self, noted: &NoteFailedCall) -> rusqlite::Result<()> {
        let NoteFailedCall { run, call } = noted;
        let text: String = call.text.chars().take(LONGEST_TEXT).collect();
        self.tx
            .prepare_cached(
                "INSERT INTO attempts (run, call, began_at, took, version, outcome, status, text,
                                       is_counted)
                 SELECT ?1, coalesce((SELECT max(call) FROM attempts WHERE run = ?1), 0) + 1,
                        ?3, ?4, ?5, ?6, ?7, ?8, ?9
                 WHERE EXISTS (SELECT 1 FROM runs WHERE listener = ?2 AND run = ?1)",
            )?
            .execute(params![
                run.run,
                run.listener.0,
                call.timing.began_at(self.now.as_microsecond()),
                call.timing.micros(),
                call.version.to_string(),
                call.outcome.as_str(),
                call.status,
                text,
                call.is_counted,
            ])?;
        self.tx
            .prepare_cached(
                "DELETE FROM attempts WHERE run = ?1
                   AND call <= (SELECT max(call) FROM attempts WHERE run = ?1) - ?2",
            )?
            .execute([run.run, MOST_FAILED_CALLS])
            .map(drop)
    }
}

/// The calls of a run that did not succeed.
pub(super) fn attempts(journal: &Connection, run: i64) -> rusqlite::Result<Vec<Attempt>> {
    let mut select = journal.prepare_cached(
        "SELECT began_at, took, version, outcome, status, text, is_counted
         FROM attempts WHERE run = ?1 ORDER BY call",
    )?;
    select.query_map([run], attempt)?.collect()
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let began_at = Timestamp::from_microsecond(row.get(0)?);
    Ok(Attempt {
        began_at: began_at.map_err(|error| damaged(0, error))?,
        took: Duration::from_micros(row.get(1)?),
        version: Some(text(row, 2)?),
        outcome: text(row, 3)?,
        status: row.get(4)?,
        text: Some(row.get(5)?),
        is_counted: row.get(6)?,
    })
}
