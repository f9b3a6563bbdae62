//! Calls that did not succeed.

use std::time::Duration;

use domain::run::Attempt;
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::decisions::storable;
use super::reads::text;
use super::transaction::Batch;
use crate::journal::operation::NoteFailedCall;
use crate::journal::{LONGEST_TEXT, MOST_FAILED_CALLS};

impl Batch<'_> {
    /// Writes down calls in their order; of runs with many, only the last are kept.
    pub(super) async fn note_failed_calls(
        &mut self,
        noted: &[&NoteFailedCall],
    ) -> sqlx::Result<()> {
        if noted.is_empty() {
            return Ok(());
        }
        let calls = || noted.iter().map(|noted| &noted.call);
        let short = |text: &str| storable(&text.chars().take(LONGEST_TEXT).collect::<String>());
        let runs: Vec<_> = noted.iter().map(|noted| noted.run.run).collect();
        sqlx::query(
            "INSERT INTO attempts (run, call, began_at, took, version, outcome, status, text,
                                   is_counted)
             SELECT g.run,
                    coalesce((SELECT max(call) FROM attempts AS a WHERE a.run = g.run), 0)
                        + row_number() OVER (PARTITION BY g.run ORDER BY g.place),
                    g.began_at, g.took, g.version, g.outcome, g.status, g.text, g.is_counted
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[],
                         $6::text[], $7::int[], $8::text[], $9::boolean[])
                  WITH ORDINALITY AS g(run, listener, began_at, took, version, outcome, status,
                                       text, is_counted, place)
             WHERE EXISTS (SELECT 1 FROM runs AS r WHERE r.listener = g.listener AND r.run = g.run)
             ORDER BY g.run
             ON CONFLICT (run, call) DO NOTHING",
        )
        .bind(&runs)
        .bind(
            noted
                .iter()
                .map(|noted| noted.run.listener.0)
                .collect::<Vec<_>>(),
        )
        .bind(
            calls()
                .map(|call| call.timing.began_at(self.now))
                .collect::<Vec<_>>(),
        )
        .bind(calls().map(|call| call.timing.micros()).collect::<Vec<_>>())
        .bind(
            calls()
                .map(|call| call.version.to_string())
                .collect::<Vec<_>>(),
        )
        .bind(
            calls()
                .map(|call| call.outcome.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(
            calls()
                .map(|call| call.status.map(i32::from))
                .collect::<Vec<_>>(),
        )
        .bind(calls().map(|call| short(&call.text)).collect::<Vec<_>>())
        .bind(calls().map(|call| call.is_counted).collect::<Vec<_>>())
        .execute(&mut *self.tx)
        .await?;
        sqlx::query(
            "DELETE FROM attempts AS a WHERE a.run = ANY($1)
               AND a.call <= (SELECT max(call) FROM attempts AS l WHERE l.run = a.run) - $2",
        )
        .bind(&runs)
        .bind(MOST_FAILED_CALLS)
        .execute(&mut *self.tx)
        .await
        .map(drop)
    }
}

/// The calls of runs that did not succeed, in the order of the runs.
pub(super) async fn attempts(
    journal: &mut PgConnection,
    runs: &[i64],
) -> sqlx::Result<Vec<Vec<Attempt>>> {
    let rows = sqlx::query(
        "SELECT began_at, took, version, outcome, status, text, is_counted, place
         FROM unnest($1::bigint[]) WITH ORDINALITY AS k(run, place) JOIN attempts USING (run)
         ORDER BY place, call",
    )
    .bind(runs)
    .fetch_all(journal)
    .await?;
    let mut found: Vec<_> = runs.iter().map(|_| Vec::new()).collect();
    for row in &rows {
        let place: i64 = row.try_get(7)?;
        let of_run = usize::try_from(place - 1).ok();
        if let Some(of_run) = of_run.and_then(|place| found.get_mut(place)) {
            of_run.push(attempt(row)?);
        }
    }
    Ok(found)
}

fn attempt(row: &PgRow) -> sqlx::Result<Attempt> {
    let began_at = Timestamp::from_microsecond(row.try_get(0)?);
    let took: i64 = row.try_get(1)?;
    let status: Option<i32> = row.try_get(4)?;
    Ok(Attempt {
        began_at: began_at.map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        took: Duration::from_micros(u64::try_from(took).unwrap_or_default()),
        version: Some(text(row, 2)?),
        outcome: text(row, 3)?,
        status: status.and_then(|status| status.try_into().ok()),
        text: Some(row.try_get(5)?),
        is_counted: row.try_get(6)?,
    })
}
