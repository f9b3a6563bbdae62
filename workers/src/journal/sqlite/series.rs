//! What workers measured of listeners.

use domain::series::{Measured, Span};
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};
use uuid::Uuid;

use super::batch::Batch;
use crate::journal::operation::Record;
use crate::journal::series::{FORGOTTEN_TOGETHER, Row, forgotten, steps};

/// The columns of a row, but for its key.
const COLUMNS: &str = "received, succeeded, dead_lettered, filtered, dropped, calls, failed_calls, \
                       took, lag, lag_seconds";

impl Batch<'_> {
    pub(super) fn record(&mut self, record: &Record) -> rusqlite::Result<()> {
        let worker = record.worker.0.into_bytes();
        let mut select = self.tx.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM series
             WHERE consumer_group = ?1 AND step = ?2 AND at = ?3 AND worker = ?4"
        ))?;
        let mut replace = self.tx.prepare_cached(&format!(
            "INSERT OR REPLACE INTO series (consumer_group, step, at, worker, {COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
        ))?;
        for (group, measured) in &record.measured {
            let group = group.to_string();
            for (step, at) in steps(self.now.as_microsecond()) {
                let earlier =
                    select.query_row(params![group, step, at, worker], |row| read(row, 0));
                let mut all = earlier.optional()?.unwrap_or_default();
                all.then(measured);
                let Row {
                    counts: [a, b, c, d, e, f, g],
                    took,
                    lag,
                    lag_seconds,
                } = Row::of(&all);
                replace.execute(params![
                    group,
                    step,
                    at,
                    worker,
                    a,
                    b,
                    c,
                    d,
                    e,
                    f,
                    g,
                    took,
                    lag,
                    lag_seconds
                ])?;
            }
        }
        Ok(())
    }

    /// Forgets some of the points that are too old.
    pub(super) fn forget_points(&mut self) -> rusqlite::Result<()> {
        let mut delete = self.tx.prepare_cached(
            "DELETE FROM series WHERE (consumer_group, step, at, worker) IN
                (SELECT consumer_group, step, at, worker FROM series
                 WHERE step = ?1 AND at < ?2 LIMIT ?3)",
        )?;
        for (step, before) in forgotten(self.now.as_microsecond()) {
            delete.execute([step, before, FORGOTTEN_TOGETHER])?;
        }
        Ok(())
    }
}

/// What was measured of a listener, by the seconds at which its steps begin.
pub(super) fn measured(
    journal: &Connection,
    group: Uuid,
    span: &Span,
) -> rusqlite::Result<Vec<(i64, Measured)>> {
    let mut select = journal.prepare_cached(&format!(
        "SELECT at, {COLUMNS} FROM series
         WHERE consumer_group = ?1 AND step = ?2 AND at >= ?3 AND at < ?4 ORDER BY at, worker"
    ))?;
    let values = params![group.to_string(), span.kept().step, span.from, span.until];
    let measured = select.query_map(values, |row| Ok((row.get(0)?, read(row, 1)?)))?;
    measured.collect()
}

fn read(row: &SqlRow<'_>, first: usize) -> rusqlite::Result<Measured> {
    let mut counts = [0; 7];
    for (place, count) in counts.iter_mut().enumerate() {
        *count = row.get(first + place)?;
    }
    let row = Row {
        counts,
        took: row.get(first + 7)?,
        lag: row.get(first + 8)?,
        lag_seconds: row.get(first + 9)?,
    };
    Ok(row.read())
}
