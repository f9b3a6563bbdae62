//! Direct runs. In the journal an algorithm's direct callers are one more listener, with counters and
//! retention of its own; what differs is that no broker delivers a run again.

use domain::{AlgorithmId, RunId, TopicId, Version};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::batch::{Batch, Operation};
use super::claims::Listener;
use super::reads;
use super::record::{DIRECT, ListenerKey, Owner, Recorded, RunKey};
use super::{Journal, JournalError};

/// Runs without a decision that are looked at together.
const UNDECIDED: u32 = 1000;

/// A succeeded direct run that is not known to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpublished {
    pub run: RunKey,
    pub run_id: RunId,
    pub algorithm: AlgorithmId,
    /// The version that was called.
    pub version: Version,
}

/// Notes that one publisher's topic has a run's result.
struct PublishedTo {
    run: RunKey,
    topic: TopicId,
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
    pub(crate) async fn direct(
        &self,
        algorithm: &AlgorithmId,
    ) -> Result<ListenerKey, JournalError> {
        let owner = Owner::DirectCallers(algorithm.clone()).to_string();
        let topic = algorithm.to_string();
        self.ask(Listener { owner, topic }).await
    }

    /// The first number that no direct run has had. It only tells them apart.
    pub(crate) async fn next_direct_number(&self) -> Result<i64, JournalError> {
        self.reader.read(next_number).await
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

    /// What is recorded of a direct run while it is in the outbox, and the topics that have it.
    pub(crate) async fn outbox_of(
        &self,
        run: RunKey,
    ) -> Result<Option<(Recorded, Vec<TopicId>)>, JournalError> {
        self.reader.read(move |journal| outbox(journal, run)).await
    }

    pub(crate) async fn published_to(
        &self,
        run: RunKey,
        topic: TopicId,
    ) -> Result<(), JournalError> {
        self.ask(PublishedTo { run, topic }).await
    }

    pub(crate) async fn published_to_all(&self, run: RunKey) -> Result<(), JournalError> {
        self.ask(PublishedToAll(run)).await
    }
}

impl Operation for PublishedTo {
    type Answer = ();

    fn apply(&self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        batch
            .tx
            .prepare_cached(
                "INSERT INTO outbox_outputs (run, topic) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute(params![self.run.run, self.topic.to_string()])
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

fn next_number(journal: &Connection) -> rusqlite::Result<i64> {
    journal.query_row(
        "SELECT coalesce(max(taken), -1) + 1 FROM
            (SELECT (SELECT max(\"offset\") FROM runs
                     WHERE runs.listener = listeners.listener AND partition = 0) AS taken
             FROM listeners WHERE consumer_group GLOB ?1)",
        [format!("{DIRECT}*")],
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
    let rows = statement.query_map(params![format!("{DIRECT}*"), UNDECIDED], |row| {
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
    let rows = statement.query_map(params![format!("{DIRECT}*"), after, limit], |row| {
        Ok(Unpublished {
            run: run_key(row.get(0)?, row.get(1)?)?,
            run_id: RunId(Uuid::from_bytes(row.get(2)?)),
            algorithm: reads::text(row, 3)?,
            version: reads::text(row, 4)?,
        })
    })?;
    rows.collect()
}

fn outbox(journal: &Connection, run: RunKey) -> rusqlite::Result<Option<(Recorded, Vec<TopicId>)>> {
    let mut statement = journal.prepare(
        "SELECT decision, version, revision, status, reason, reason_text, finished_at, 0,
                content_type, content_encoding, result
         FROM outbox JOIN decisions USING (run) WHERE run = ?1",
    )?;
    let mut rows = statement.query([run.run])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let Some(recorded) = reads::recorded(row, 0)? else {
        return Ok(None);
    };
    let mut statement = journal.prepare("SELECT topic FROM outbox_outputs WHERE run = ?1")?;
    let topics = statement.query_map([run.run], |row| reads::text(row, 0))?;
    Ok(Some((recorded, topics.collect::<Result<_, _>>()?)))
}

fn run_key(listener: i64, run: i64) -> rusqlite::Result<RunKey> {
    Ok(RunKey {
        listener: ListenerKey(listener),
        run,
    })
}
