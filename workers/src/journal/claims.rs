//! Taking messages, and counting their calls.

use rusqlite::{OptionalExtension, params};

use super::batch::{Batch, Operation};
use super::reads;
use super::record::{Claim, Claimed, ListenerKey, RunKey};

/// The key of a listener, made where there is none.
pub(super) struct Listener {
    pub(super) owner: String,
    /// The topic's name, or the algorithm of direct callers.
    pub(super) topic: String,
}

/// Takes messages, or finds what is known of them.
pub(super) struct Claims(pub(super) Vec<Claim>);

/// Counts a call that is about to be made; answers how many were counted in all.
pub(super) struct Attempt(pub(super) RunKey);

/// Takes back calls.
pub(super) struct Refund {
    pub(super) run: RunKey,
    pub(super) attempts: u32,
}

impl Operation for Listener {
    type Answer = ListenerKey;

    fn apply(&self, batch: &mut Batch<'_>) -> rusqlite::Result<ListenerKey> {
        batch.tx.query_row(
            "INSERT INTO listeners (consumer_group, topic) VALUES (?1, ?2)
             ON CONFLICT (consumer_group) DO UPDATE SET topic = excluded.topic RETURNING listener",
            [&self.owner, &self.topic],
            |row| row.get(0).map(ListenerKey),
        )
    }
}

impl Operation for Claims {
    type Answer = Vec<Claimed>;

    fn apply(&self, batch: &mut Batch<'_>) -> rusqlite::Result<Vec<Claimed>> {
        self.0.iter().map(|claim| take(claim, batch)).collect()
    }
}

impl Operation for Attempt {
    type Answer = u32;

    fn apply(&self, batch: &mut Batch<'_>) -> rusqlite::Result<u32> {
        add_attempts(batch, self.0, 1)
    }
}

impl Operation for Refund {
    type Answer = ();

    fn apply(&self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        add_attempts(batch, self.run, -i64::from(self.attempts)).map(drop)
    }
}

/// A new message gets a row, a known one is found.
fn take(claim: &Claim, batch: &mut Batch<'_>) -> rusqlite::Result<Claimed> {
    let run = batch.next_run;
    let inserted = batch
        .tx
        .prepare_cached(
            "INSERT INTO runs
                (listener, run, run_id, partition, \"offset\", claimed_at, attempts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (listener, partition, \"offset\") DO NOTHING",
        )?
        .execute(params![
            claim.listener.0,
            run,
            claim.run_id.0.as_bytes(),
            claim.message.partition,
            claim.message.offset,
            batch.now.as_microsecond(),
            u32::from(claim.calls),
        ])?;
    if inserted == 0 {
        return again(claim, batch);
    }
    batch.next_run += 1;
    batch.count_received(claim.listener);
    Ok(Claimed {
        run: RunKey {
            listener: claim.listener,
            run,
        },
        attempts: u32::from(claim.calls),
        claims: 1,
        decision: None,
    })
}

/// Takes a message that is known.
fn again(claim: &Claim, batch: &Batch<'_>) -> rusqlite::Result<Claimed> {
    let mut claimed = batch
        .tx
        .prepare_cached(
            "SELECT run, attempts, claims, decision, version, revision, status, reason, reason_text,
                    finished_at, outbox.run IS NULL, content_type, result
             FROM runs LEFT JOIN decisions USING (run) LEFT JOIN outbox USING (run)
             WHERE runs.listener = ?1 AND partition = ?2 AND \"offset\" = ?3",
        )?
        .query_row(
            params![claim.listener.0, claim.message.partition, claim.message.offset],
            |row| {
                Ok(Claimed {
                    run: RunKey {
                        listener: claim.listener,
                        run: row.get(0)?,
                    },
                    attempts: row.get(1)?,
                    claims: row.get(2)?,
                    decision: reads::recorded(row, 3)?,
                })
            },
        )?;
    if claimed.decision.is_none() {
        claimed.claims += 1;
        batch
            .tx
            .prepare_cached("UPDATE runs SET claims = claims + 1 WHERE listener = ?1 AND run = ?2")?
            .execute([claimed.run.listener.0, claimed.run.run])?;
    }
    Ok(claimed)
}

/// Answers how many attempts are counted then.
fn add_attempts(batch: &Batch<'_>, run: RunKey, attempts: i64) -> rusqlite::Result<u32> {
    let count = batch
        .tx
        .prepare_cached(
            "UPDATE runs SET attempts = max(0, attempts + ?3)
             WHERE listener = ?1 AND run = ?2 RETURNING attempts",
        )?
        .query_row(params![run.listener.0, run.run, attempts], |row| row.get(0));
    // A run that retention deleted meanwhile was decided; nobody will use the number.
    Ok(count.optional()?.unwrap_or_default())
}
