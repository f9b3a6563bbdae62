//! Runs that somebody asked for directly. In the journal an algorithm's direct callers are one more
//! listener, with counters and retention of its own; what differs is that nobody delivers a run again.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::batch::{Batch, Operation};
use super::reads;
use super::record::{ListenerKey, Recorded, RunKey};
use super::{Journal, JournalError};

/// What the name of an algorithm's direct callers begins with. A listener's is a bare UUID.
const PREFIX: &str = "direct:";

/// Runs without a decision that are looked at together.
const UNDECIDED: u32 = 1000;

/// A succeeded direct run that is not known to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpublished {
    pub run: RunKey,
    pub run_id: Uuid,
    pub algorithm: String,
    /// The version that was called.
    pub version: String,
}

/// Notes that one publisher has a run's result.
struct PublishedTo {
    run: RunKey,
    publisher: String,
}

/// Takes a direct run out of the outbox: every publisher has it.
struct PublishedToAll(RunKey);

impl RunKey {
    /// The run's number in its journal; rises with the claims.
    pub(crate) fn number(self) -> i64 {
        self.run
    }
}

impl Journal {
    /// The key of an algorithm's direct callers, for claims.
    pub(crate) async fn direct(&self, algorithm: &str) -> Result<ListenerKey, JournalError> {
        self.listener(&direct_group(algorithm), algorithm).await
    }

    /// The first place that no direct run has had. Their places only tell them apart.
    pub(crate) async fn next_direct_place(&self) -> Result<i64, JournalError> {
        self.reader.read(next_place).await
    }

    /// Direct runs without a decision, a thousand at most.
    pub(crate) async fn undecided_direct(&self) -> Result<Vec<RunKey>, JournalError> {
        self.reader.read(undecided).await
    }

    /// Up to `limit` direct runs in the outbox after the run numbered `after`, oldest first.
    pub async fn unpublished_direct(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Unpublished>, JournalError> {
        self.reader
            .read(move |journal| unpublished(journal, after, limit))
            .await
    }

    /// What is recorded of a direct run while it is in the outbox, and the publishers that have it.
    pub(crate) async fn outbox_of(
        &self,
        run: RunKey,
    ) -> Result<Option<(Recorded, Vec<String>)>, JournalError> {
        self.reader.read(move |journal| outbox(journal, run)).await
    }

    pub(crate) async fn published_to(
        &self,
        run: RunKey,
        publisher: String,
    ) -> Result<(), JournalError> {
        self.ask(PublishedTo { run, publisher }).await
    }

    pub(crate) async fn published_to_all(&self, run: RunKey) -> Result<(), JournalError> {
        self.ask(PublishedToAll(run)).await
    }
}

/// The name of an algorithm's direct callers where a listener has its consumer group.
#[must_use]
pub fn direct_group(algorithm: &str) -> String {
    format!("{PREFIX}{algorithm}")
}

impl Operation for PublishedTo {
    type Answer = ();

    fn apply(&self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        batch
            .tx
            .prepare_cached(
                "INSERT INTO outbox_outputs (run, publisher) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute(params![self.run.run, self.publisher])
            .map(drop)
    }
}

impl Operation for PublishedToAll {
    type Answer = ();

    fn apply(&self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        let run = [self.0.run];
        let mut outbox = batch
            .tx
            .prepare_cached("DELETE FROM outbox WHERE run = ?1")?;
        outbox.execute(run)?;
        let mut outputs = batch
            .tx
            .prepare_cached("DELETE FROM outbox_outputs WHERE run = ?1")?;
        outputs.execute(run).map(drop)
    }
}

fn next_place(journal: &Connection) -> rusqlite::Result<i64> {
    journal.query_row(
        "SELECT coalesce(max(place), -1) + 1 FROM
            (SELECT (SELECT max(\"offset\") FROM runs
                     WHERE runs.listener = listeners.listener AND partition = 0) AS place
             FROM listeners WHERE consumer_group GLOB ?1)",
        [format!("{PREFIX}*")],
        |row| row.get(0),
    )
}

fn undecided(journal: &Connection) -> rusqlite::Result<Vec<RunKey>> {
    // Only where the counters say that there are any: finished runs may be a million.
    let mut statement = journal.prepare(
        "SELECT runs.listener, run FROM listeners JOIN runs USING (listener)
              LEFT JOIN decisions USING (run)
         WHERE consumer_group GLOB ?1 AND decisions.run IS NULL
           AND received > succeeded + dead_lettered + filtered + dropped
         ORDER BY run LIMIT ?2",
    )?;
    let rows = statement.query_map(params![format!("{PREFIX}*"), UNDECIDED], |row| {
        run_key(row.get(0)?, row.get(1)?)
    })?;
    rows.collect()
}

fn unpublished(journal: &Connection, after: i64, limit: u32) -> rusqlite::Result<Vec<Unpublished>> {
    let mut statement = journal.prepare(
        "SELECT decisions.listener, outbox.run, run_id, topic, version
         FROM outbox JOIN decisions USING (run) JOIN listeners USING (listener)
              JOIN runs ON runs.listener = decisions.listener AND runs.run = outbox.run
         WHERE outbox.run > ?2 AND consumer_group GLOB ?1 ORDER BY outbox.run LIMIT ?3",
    )?;
    let rows = statement.query_map(params![format!("{PREFIX}*"), after, limit], |row| {
        Ok(Unpublished {
            run: run_key(row.get(0)?, row.get(1)?)?,
            run_id: Uuid::from_bytes(row.get(2)?),
            algorithm: row.get(3)?,
            version: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        })
    })?;
    rows.collect()
}

fn outbox(journal: &Connection, run: RunKey) -> rusqlite::Result<Option<(Recorded, Vec<String>)>> {
    let mut statement = journal.prepare(
        "SELECT decision, version, revision, status, reason, reason_text, finished_at, 0,
                content_type, result
         FROM outbox JOIN decisions USING (run) WHERE run = ?1",
    )?;
    let mut rows = statement.query([run.run])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let Some(recorded) = reads::recorded(row, 0)? else {
        return Ok(None);
    };
    let mut statement = journal.prepare("SELECT publisher FROM outbox_outputs WHERE run = ?1")?;
    let publishers = statement.query_map([run.run], |row| row.get(0))?;
    Ok(Some((recorded, publishers.collect::<Result<_, _>>()?)))
}

fn run_key(listener: i64, run: i64) -> rusqlite::Result<RunKey> {
    Ok(RunKey {
        listener: ListenerKey(listener),
        run,
    })
}
