//! Taking messages: new ones get a row, known ones are found.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::{Counters, Statements};
use crate::journal::reads;
use crate::journal::record::{Claim, Claimed, RunKey};

/// Answers the claims in order.
pub(super) async fn claim(
    tx: &mut SqliteConnection,
    statements: &Statements,
    next_run: &mut i64,
    claims: &[Claim],
    now: Timestamp,
    counters: &mut Counters,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let claims: Vec<_> = claims.iter().zip(*next_run..).collect();
    *next_run += claims.len() as i64;
    let inserted = statements
        .runs
        .execute(tx, &claims, |(claim, run), values| {
            values
                .add(claim.listener.0)
                .add(run)
                .add(claim.run_id.as_bytes().as_slice())
                .add(claim.place.partition)
                .add(claim.place.offset)
                .add(now.as_microsecond())
                .add(u32::from(claim.calls));
        })
        .await?;
    let mut answers = Vec::with_capacity(claims.len());
    let all_new = inserted == claims.len() as u64;
    for (claim, run) in claims {
        let claimed = if all_new {
            new(claim, run)
        } else {
            find(tx, claim, run).await?
        };
        if claimed.run.run == run {
            counters.entry(claim.listener).or_default().received += 1;
        }
        answers.push(claimed);
    }
    Ok(answers)
}

fn new(claim: &Claim, run: i64) -> Claimed {
    Claimed {
        run: RunKey {
            listener: claim.listener,
            run,
        },
        attempts: u32::from(claim.calls),
        claims: 1,
        decision: None,
    }
}

/// What is known of the message that was to become `run`.
async fn find(tx: &mut SqliteConnection, claim: &Claim, run: i64) -> Result<Claimed, sqlx::Error> {
    let row = sqlx::query(
        "SELECT run, attempts, claims, decision, version, revision, status, reason, reason_text,
                finished_at, outbox.run IS NULL, content_type, result
         FROM runs LEFT JOIN decisions USING (run) LEFT JOIN outbox USING (run)
         WHERE runs.listener = ?1 AND partition = ?2 AND \"offset\" = ?3",
    )
    .bind(claim.listener.0)
    .bind(claim.place.partition)
    .bind(claim.place.offset)
    .fetch_one(&mut *tx)
    .await?;
    let mut claimed = Claimed {
        run: RunKey {
            listener: claim.listener,
            run: row.try_get(0)?,
        },
        attempts: row.try_get(1)?,
        claims: row.try_get(2)?,
        decision: reads::recorded(&row, 3)?,
    };
    if claimed.decision.is_none() && claimed.run.run != run {
        claimed.claims += 1;
        sqlx::query("UPDATE runs SET claims = claims + 1 WHERE listener = ?1 AND run = ?2")
            .bind(claimed.run.listener.0)
            .bind(claimed.run.run)
            .execute(tx)
            .await?;
    }
    Ok(claimed)
}
