//! Deciding runs, once each, and the outbox of what is decided.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::{Counters, Statements};
use crate::journal::reads;
use crate::journal::record::{Draft, Outcome, Recorded, RunKey};

/// Records the decisions of runs that have none; answers the outcomes in order.
pub(super) async fn decide(
    tx: &mut SqliteConnection,
    statements: &Statements,
    decisions: &[(RunKey, &Draft)],
    now: Timestamp,
    counters: &mut Counters,
) -> Result<Vec<Outcome>, sqlx::Error> {
    if decisions.is_empty() {
        return Ok(Vec::new());
    }
    let earlier = earlier(tx, decisions).await?;
    let mut first: HashMap<i64, &Draft> = HashMap::with_capacity(decisions.len());
    let mut winners = Vec::with_capacity(decisions.len());
    let mut outcomes = Vec::with_capacity(decisions.len());
    for (run, draft) in decisions {
        outcomes.push(if earlier.contains(&run.run) {
            Outcome::Earlier(Box::new(recorded(tx, *run).await?))
        } else if let Some(winner) = first.get(&run.run) {
            Outcome::Earlier(Box::new(Recorded::of((*winner).clone(), now)))
        } else {
            first.insert(run.run, *draft);
            winners.push((*run, *draft));
            let counts = counters.entry(run.listener).or_default();
            counts.decided(draft.decision);
            Outcome::Recorded(now)
        });
    }
    insert(tx, statements, &winners, now).await?;
    Ok(outcomes)
}

/// Takes published runs out of the outbox.
pub(super) async fn publish(tx: &mut SqliteConnection, runs: &[i64]) -> Result<(), sqlx::Error> {
    if runs.is_empty() {
        return Ok(());
    }
    sqlx::query("DELETE FROM outbox WHERE run IN (SELECT value FROM json_each(?1))")
        .bind(json(runs))
        .execute(tx)
        .await?;
    Ok(())
}

/// Which of the runs are decided already.
async fn earlier(
    tx: &mut SqliteConnection,
    decisions: &[(RunKey, &Draft)],
) -> Result<HashSet<i64>, sqlx::Error> {
    let runs: Vec<i64> = decisions.iter().map(|(run, _)| run.run).collect();
    let decided = sqlx::query_scalar(
        "SELECT run FROM decisions WHERE run IN (SELECT value FROM json_each(?1))",
    )
    .bind(json(&runs))
    .fetch_all(tx)
    .await?;
    Ok(decided.into_iter().collect())
}

async fn insert(
    tx: &mut SqliteConnection,
    statements: &Statements,
    winners: &[(RunKey, &Draft)],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    statements
        .decisions
        .execute(tx, winners, |(run, draft), values| {
            values
                .add(run.run)
                .add(run.listener.0)
                .add(draft.decision.as_str())
                .add(draft.version.as_deref())
                .add(draft.revision.as_str())
                .add(draft.status)
                .add(draft.reason.map(|reason| reason.as_str()))
                .add(draft.reason_text.as_deref())
                .add(now.as_microsecond());
        })
        .await?;
    let outbox: Vec<_> = winners
        .iter()
        .filter(|(_, draft)| draft.has_to_be_published())
        .collect();
    statements
        .outbox
        .execute(tx, &outbox, |(run, draft), values| {
            values
                .add(run.run)
                .add(draft.content_type.as_deref())
                .add(draft.result.as_deref());
        })
        .await?;
    Ok(())
}

async fn recorded(tx: &mut SqliteConnection, run: RunKey) -> Result<Recorded, sqlx::Error> {
    let row = sqlx::query(
        "SELECT decision, version, revision, status, reason, reason_text, finished_at,
                outbox.run IS NULL, content_type, result
         FROM decisions LEFT JOIN outbox USING (run) WHERE run = ?1",
    )
    .bind(run.run)
    .fetch_one(tx)
    .await?;
    reads::recorded(&row, 0)?.ok_or(sqlx::Error::RowNotFound)
}

fn json(runs: &[i64]) -> String {
    serde_json::to_string(runs).expect("numbers have a JSON form")
}
