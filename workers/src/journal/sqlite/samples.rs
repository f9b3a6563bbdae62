//! Samples of runs.

use domain::run::Owner;
use domain::sample::KeptSample;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::batch::Batch;
use super::reads::{damaged, text};
use crate::journal::sampling::{DAYS, Keep, SampleRow, day};

impl Batch<'_> {
    /// Keeps a sample, if it is among those that there is room for.
    pub(super) fn keep(&mut self, keep: &Keep) -> rusqlite::Result<()> {
        let Keep {
            run,
            row,
            most_bytes,
        } = keep;
        let now = self.now.as_microsecond();
        let (listener, size) = (run.listener.0, row.size());
        let limit = self
            .tx
            .prepare_cached(
                "SELECT below FROM strata WHERE listener = ?1 AND day = ?2 AND stratum = ?3",
            )?
            .query_row(params![listener, day(now), row.stratum], |found| {
                found.get(0)
            });
        let limit: Option<Option<i64>> = limit.optional()?;
        if limit.flatten().is_some_and(|below| row.rank >= below) {
            return Ok(());
        }
        let [message, request, answer] = &row.bodies;
        let inserted = self
            .tx
            .prepare_cached(
                "INSERT INTO samples (run, listener, day, stratum, rank, bytes, sampled_at, about,
                                      key, message, request, answer)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                 ON CONFLICT (run) DO NOTHING",
            )?
            .execute(params![
                run.run,
                listener,
                day(now),
                row.stratum,
                row.rank,
                size,
                now,
                row.about,
                row.key,
                message,
                request,
                answer
            ])?;
        if inserted == 0 {
            return Ok(());
        }
        self.tx
            .prepare_cached(
                "INSERT INTO strata (listener, day, stratum, bytes) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (listener, day, stratum) DO UPDATE SET bytes = bytes + excluded.bytes",
            )?
            .execute(params![listener, day(now), row.stratum, size])?;
        self.make_room(listener, *most_bytes)
    }

    /// Deletes samples until no more than so many bytes of a listener are left: of the stratum that
    /// takes the most, the one with the highest rank.
    fn make_room(&self, listener: i64, most_bytes: i64) -> rusqlite::Result<()> {
        let mut total = self
            .tx
            .prepare_cached("SELECT sum(bytes), max(bytes) FROM strata WHERE listener = ?1")?;
        let mut evict = self.tx.prepare_cached(
            "DELETE FROM samples WHERE run = (
                SELECT run FROM samples WHERE (listener, day, stratum) = (
                    SELECT listener, day, stratum FROM strata WHERE listener = ?1
                    ORDER BY bytes DESC, day, stratum LIMIT 1)
                ORDER BY rank DESC, run DESC LIMIT 1)
             RETURNING day, stratum, rank, bytes",
        )?;
        let mut lower = self.tx.prepare_cached(
            "UPDATE strata SET bytes = bytes - ?4, below = ?5
             WHERE listener = ?1 AND day = ?2 AND stratum = ?3",
        )?;
        while total.query_row([listener], |row| row.get::<_, i64>(0))? > most_bytes {
            let evicted = evict.query_row([listener], |row| {
                let place: (i64, String) = (row.get(0)?, row.get(1)?);
                let (rank, bytes): (i64, i64) = (row.get(2)?, row.get(3)?);
                Ok((place, rank, bytes))
            });
            let Some(((day, stratum), rank, bytes)) = evicted.optional()? else {
                return Ok(());
            };
            lower.execute(params![listener, day, stratum, bytes, rank])?;
        }
        Ok(())
    }

    /// Deletes the samples of days that are over for long.
    pub(super) fn forget_samples(&mut self) -> rusqlite::Result<()> {
        let first = day(self.now.as_microsecond()) - DAYS;
        for statement in [
            "DELETE FROM samples WHERE (listener, day, stratum) IN
                (SELECT listener, day, stratum FROM strata WHERE day < ?1)",
            "DELETE FROM strata WHERE day < ?1",
        ] {
            self.tx.prepare_cached(statement)?.execute([first])?;
        }
        Ok(())
    }
}

/// The sample of a run, if there is one.
pub(super) fn sample(
    journal: &Connection,
    group: Uuid,
    run: i64,
) -> rusqlite::Result<Option<KeptSample>> {
    let mut select = journal.prepare_cached(
        "SELECT s.stratum, s.rank, s.about, s.key, s.message, s.request, s.answer, s.sampled_at,
                t.below, l.algorithm
         FROM samples AS s JOIN listeners AS l USING (listener)
              LEFT JOIN strata AS t USING (listener, day, stratum)
         WHERE s.run = ?1 AND l.consumer_group = ?2",
    )?;
    let found = select.query_row(params![run, Owner::Listener(group).to_string()], |row| {
        let sample = SampleRow {
            stratum: row.get(0)?,
            rank: row.get(1)?,
            about: row.get(2)?,
            key: row.get(3)?,
            bodies: [row.get(4)?, row.get(5)?, row.get(6)?],
        };
        let sampled_at = Timestamp::from_microsecond(row.get(7)?);
        let sampled_at = sampled_at.map_err(|error| damaged(7, error))?;
        let sample = sample.read(text(row, 9)?, sampled_at, row.get(8)?);
        sample.map_err(|error| damaged(2, error))
    });
    found.optional()
}
