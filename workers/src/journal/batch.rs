//! One write transaction: everything that waits, by few statements.

mod claims;
mod decisions;

use std::collections::BTreeMap;

use domain::settlement::Decision;
use jiff::Timestamp;
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use super::insert::RowsStatement;
use super::record::{Claim, Claimed, Draft, ListenerKey, Outcome, RunKey};
use super::retention;
use super::writer::{Answer, Op};

/// The statements that take many rows.
pub(super) struct Statements {
    runs: RowsStatement,
    decisions: RowsStatement,
    outbox: RowsStatement,
    counters: RowsStatement,
}

/// The answers of a committed batch, not yet given.
#[derive(Default)]
pub(super) struct Answers {
    listeners: Vec<(Answer<ListenerKey>, ListenerKey)>,
    claims: Vec<(Answer<Claimed>, Claimed)>,
    counts: Vec<(Answer<u32>, u32)>,
    outcomes: Vec<(Answer<Outcome>, Outcome)>,
    pruned: Vec<(Answer<u64>, u64)>,
}

/// What a batch adds to a listener's counters.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    received: i64,
    succeeded: i64,
    dead_lettered: i64,
    filtered: i64,
    dropped: i64,
}

type Counters = BTreeMap<ListenerKey, Counts>;

/// The number after the last run's.
pub(super) async fn next_run(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT coalesce(max(run), 0) + 1 FROM runs")
        .fetch_one(connection)
        .await
}

/// Commits `ops`, kind by kind, and takes them out of the vector. An error
/// leaves them there, none of them done.
pub(super) async fn commit(
    connection: &mut SqliteConnection,
    statements: &Statements,
    next_run: &mut i64,
    ops: &mut Vec<Op>,
    now: Timestamp,
) -> Result<Answers, sqlx::Error> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut counters = Counters::new();
    let mut done = Done::default();
    let batch = Batch::of(ops);
    // What nobody waits for comes first: it was in line before what its senders asked since.
    decisions::publish(&mut tx, &batch.published).await?;
    for (run, attempts) in batch.refunds {
        add_attempts(&mut tx, run, -i64::from(attempts)).await?;
    }
    for (group, topic) in batch.listeners {
        done.listeners.push(listener(&mut tx, group, topic).await?);
    }
    done.claims = claims::claim(
        &mut tx,
        statements,
        next_run,
        &batch.claims,
        now,
        &mut counters,
    )
    .await?;
    for run in batch.attempts {
        done.counts.push(add_attempts(&mut tx, run, 1).await?);
    }
    done.outcomes =
        decisions::decide(&mut tx, statements, &batch.decisions, now, &mut counters).await?;
    count(&mut tx, statements, &counters).await?;
    for limits in batch.prunes {
        done.pruned
            .push(retention::prune(&mut tx, limits, now).await?);
    }
    tx.commit().await?;
    Ok(done.answers(ops))
}

/// The operations of a batch by kind, in order.
#[derive(Default)]
struct Batch<'a> {
    listeners: Vec<(&'a str, &'a str)>,
    claims: Vec<Claim>,
    attempts: Vec<RunKey>,
    refunds: Vec<(RunKey, u32)>,
    decisions: Vec<(RunKey, &'a Draft)>,
    published: Vec<i64>,
    prunes: Vec<retention::Retention>,
}

impl<'a> Batch<'a> {
    fn of(ops: &'a [Op]) -> Self {
        let mut batch = Self::default();
        for op in ops {
            match op {
                Op::Listener { group, topic, .. } => batch.listeners.push((group, topic)),
                Op::Claim { claim, .. } => batch.claims.push(*claim),
                Op::Attempt { run, .. } => batch.attempts.push(*run),
                Op::Refund { run, attempts } => batch.refunds.push((*run, *attempts)),
                Op::Decide { run, draft, .. } => batch.decisions.push((*run, draft)),
                Op::Published { run } => batch.published.push(run.run),
                Op::Prune { retention, .. } => batch.prunes.push(*retention),
            }
        }
        batch
    }
}

/// What came of the operations that are answered, by kind, in order.
#[derive(Default)]
struct Done {
    listeners: Vec<ListenerKey>,
    claims: Vec<Claimed>,
    counts: Vec<u32>,
    outcomes: Vec<Outcome>,
    pruned: Vec<u64>,
}

impl Done {
    /// Brings each outcome to the one who asked, and takes `ops`.
    fn answers(self, ops: &mut Vec<Op>) -> Answers {
        const SAME: &str = "every operation has an outcome";
        let mut answers = Answers::default();
        let mut listeners = self.listeners.into_iter();
        let mut claims = self.claims.into_iter();
        let mut counts = self.counts.into_iter();
        let mut outcomes = self.outcomes.into_iter();
        let mut pruned = self.pruned.into_iter();
        for op in ops.drain(..) {
            match op {
                Op::Listener { answer, .. } => answers
                    .listeners
                    .push((answer, listeners.next().expect(SAME))),
                Op::Claim { answer, .. } => {
                    answers.claims.push((answer, claims.next().expect(SAME)));
                }
                Op::Attempt { answer, .. } => {
                    answers.counts.push((answer, counts.next().expect(SAME)));
                }
                Op::Decide { answer, .. } => {
                    let outcome = outcomes.next().expect(SAME);
                    answers.outcomes.push((answer, outcome));
                }
                Op::Prune { answer, .. } => {
                    answers.pruned.push((answer, pruned.next().expect(SAME)));
                }
                Op::Refund { .. } | Op::Published { .. } => {}
            }
        }
        answers
    }
}

impl Answers {
    pub(super) fn send(self) {
        // Whoever has stopped waiting needs no answer.
        for (answer, key) in self.listeners {
            let _ = answer.send(Ok(key));
        }
        for (answer, claimed) in self.claims {
            let _ = answer.send(Ok(claimed));
        }
        for (answer, count) in self.counts {
            let _ = answer.send(Ok(count));
        }
        for (answer, outcome) in self.outcomes {
            let _ = answer.send(Ok(outcome));
        }
        for (answer, pruned) in self.pruned {
            let _ = answer.send(Ok(pruned));
        }
    }
}

impl Statements {
    pub(super) fn new() -> Self {
        Self {
            runs: RowsStatement::new(
                "INSERT INTO runs (listener, run, run_id, partition, \"offset\", claimed_at, attempts)",
                7,
                "ON CONFLICT DO NOTHING",
            ),
            decisions: RowsStatement::new(
                "INSERT INTO decisions (run, listener, decision, version, revision, status, reason,
                                        reason_text, finished_at)",
                9,
                "",
            ),
            outbox: RowsStatement::new("INSERT INTO outbox (run, content_type, result)", 3, ""),
            counters: RowsStatement::new(
                "INSERT INTO listeners (listener, consumer_group, topic, received, succeeded,
                                        dead_lettered, filtered, dropped)",
                8,
                "ON CONFLICT (listener) DO UPDATE SET
                    received = received + excluded.received,
                    succeeded = succeeded + excluded.succeeded,
                    dead_lettered = dead_lettered + excluded.dead_lettered,
                    filtered = filtered + excluded.filtered,
                    dropped = dropped + excluded.dropped",
            ),
        }
    }
}

impl Counts {
    fn decided(&mut self, decision: Decision) {
        let counter = match decision {
            Decision::Succeeded => &mut self.succeeded,
            Decision::DeadLettered => &mut self.dead_lettered,
            Decision::Filtered => &mut self.filtered,
            Decision::Dropped => &mut self.dropped,
        };
        *counter += 1;
    }
}

async fn listener(
    tx: &mut SqliteConnection,
    group: &str,
    topic: &str,
) -> Result<ListenerKey, sqlx::Error> {
    sqlx::query_scalar(
        "INSERT INTO listeners (consumer_group, topic) VALUES (?1, ?2)
         ON CONFLICT (consumer_group) DO UPDATE SET topic = excluded.topic RETURNING listener",
    )
    .bind(group)
    .bind(topic)
    .fetch_one(tx)
    .await
    .map(ListenerKey)
}

/// Answers how many attempts are counted then.
async fn add_attempts(
    tx: &mut SqliteConnection,
    run: RunKey,
    attempts: i64,
) -> Result<u32, sqlx::Error> {
    let count: Option<u32> = sqlx::query_scalar(
        "UPDATE runs SET attempts = max(0, attempts + ?3)
         WHERE listener = ?1 AND run = ?2 RETURNING attempts",
    )
    .bind(run.listener.0)
    .bind(run.run)
    .bind(attempts)
    .fetch_optional(tx)
    .await?;
    // A run that retention deleted meanwhile was decided; nobody will use the number.
    Ok(count.unwrap_or_default())
}

async fn count(
    tx: &mut SqliteConnection,
    statements: &Statements,
    counters: &Counters,
) -> Result<(), sqlx::Error> {
    let rows: Vec<_> = counters.iter().collect();
    statements
        .counters
        .execute(tx, &rows, |(listener, counts), values| {
            values
                .add(listener.0)
                // The row is there; its names stay.
                .add("")
                .add("")
                .add(counts.received)
                .add(counts.succeeded)
                .add(counts.dead_lettered)
                .add(counts.filtered)
                .add(counts.dropped);
        })
        .await?;
    Ok(())
}
