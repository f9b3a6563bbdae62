//! Deciding runs, once each, and what the decisions send out.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::destination;
use super::reads::{self, RECORDED};
use super::transaction::Batch;
use crate::journal::decision::{
    Draft, Outcome, Pending, Publication, Recorded, Representation, topic_list,
};
use crate::journal::operation::Decide;

impl Batch<'_> {
    /// Records the decisions of runs that have none, each of another run; answers in order.
    pub(super) async fn decisions(&mut self, decides: &[&Decide]) -> sqlx::Result<Vec<Outcome>> {
        if decides.is_empty() {
            return Ok(Vec::new());
        }
        self.write_destinations(decides).await?;
        let new = self.insert_decisions(decides).await?;
        let (recorded, earlier): (Vec<&Decide>, Vec<&Decide>) = decides
            .iter()
            .partition(|decide| new.contains(&decide.run.run));
        self.send_out(&recorded).await?;
        for Decide { run, draft } in &recorded {
            self.count_decided(run.listener, draft.decision);
        }
        let earlier: Vec<_> = earlier.iter().map(|decide| decide.run.run).collect();
        let mut earlier = self::recorded(self.tx, &earlier).await?;
        let now = Timestamp::from_microsecond(self.now);
        let now = now.map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        let outcomes = decides.iter().map(|decide| {
            let run = decide.run.run;
            if new.contains(&run) {
                return Outcome::Recorded(now);
            }
            let earlier = earlier.remove(&run).map(Box::new);
            earlier.map_or(Outcome::Forgotten, Outcome::Earlier)
        });
        Ok(outcomes.collect())
    }

    /// Writes down the lists of topics that are not known to be.
    async fn write_destinations(&mut self, decides: &[&Decide]) -> sqlx::Result<()> {
        let lists: BTreeMap<_, _> = decides
            .iter()
            .filter_map(|decide| decide.draft.outputs())
            .map(|outputs| (destination(outputs), outputs))
            .filter(|(destination, _)| !self.memory.destinations.contains(destination))
            .collect();
        if lists.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO destinations (destination, topics)
             SELECT * FROM unnest($1::uuid[], $2::text[]) ON CONFLICT DO NOTHING",
        )
        .bind(lists.keys().copied().collect::<Vec<_>>())
        .bind(
            lists
                .values()
                .map(|outputs| topic_list(outputs))
                .collect::<Vec<_>>(),
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
    }

    /// Answers the runs whose decisions were not there.
    async fn insert_decisions(&mut self, decides: &[&Decide]) -> sqlx::Result<HashSet<i64>> {
        let mut sorted = decides.to_vec();
        sorted.sort_unstable_by_key(|decide| decide.run.run);
        let drafts = || sorted.iter().map(|decide| &*decide.draft);
        let version = |draft: &Draft| draft.version.as_ref().map(ToString::to_string);
        let revision = |draft: &Draft| draft.revision.map(|revision| revision.to_string());
        let failure = |draft: &Draft| draft.failure.map(|failure| failure.to_string());
        let digest = |draft: &Draft| draft.digest.map(|digest| digest.to_vec());
        let inserted = sqlx::query_scalar(
            "INSERT INTO decisions (finished_at, run, listener, decision, version, revision, status,
                                    reason, reason_text, digest, destination, failure,
                                    called_at, call_took)
             SELECT $1, g.*
             FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::int[],
                         $8::text[], $9::text[], $10::bytea[], $11::uuid[], $12::text[],
                         $13::bigint[], $14::bigint[])
                  AS g(run, listener)
             WHERE EXISTS (SELECT 1 FROM runs AS r WHERE r.listener = g.listener AND r.run = g.run)
             ON CONFLICT (run) DO NOTHING RETURNING run",
        )
        .bind(self.now)
        .bind(sorted.iter().map(|decide| decide.run.run).collect::<Vec<_>>())
        .bind(sorted.iter().map(|decide| decide.run.listener.0).collect::<Vec<_>>())
        .bind(drafts().map(|draft| draft.decision.as_str()).collect::<Vec<_>>())
        .bind(drafts().map(version).collect::<Vec<_>>())
        .bind(drafts().map(revision).collect::<Vec<_>>())
        .bind(drafts().map(|draft| draft.status.map(i32::from)).collect::<Vec<_>>())
        .bind(drafts().map(|draft| draft.reason.map(|reason| reason.as_str())).collect::<Vec<_>>())
        .bind(drafts().map(|draft| draft.reason_text.as_deref().map(storable)).collect::<Vec<_>>())
        .bind(drafts().map(digest).collect::<Vec<_>>())
        .bind(drafts().map(|draft| draft.outputs().map(destination)).collect::<Vec<_>>())
        .bind(drafts().map(failure).collect::<Vec<_>>())
        .bind(drafts().map(|draft| Some(draft.call?.began_at(self.now))).collect::<Vec<_>>())
        .bind(drafts().map(|draft| Some(draft.call?.micros())).collect::<Vec<_>>())
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(inserted.into_iter().collect())
    }

    /// Puts what there is to be published into the outbox, held by whoever decided.
    async fn send_out(&mut self, decides: &[&Decide]) -> sqlx::Result<()> {
        let sent: Vec<_> = decides
            .iter()
            .filter(|decide| decide.draft.pending != Pending::Nothing)
            .map(|decide| (decide.run.run, decide.draft.publication()))
            .collect();
        if sent.is_empty() {
            return Ok(());
        }
        let publications = || sent.iter().map(|(_, publication)| *publication);
        let described = || publications().map(|publication| Some(&publication?.representation));
        sqlx::query(
            "INSERT INTO outbox (held_until, worker, run, key, traceparent, content_type,
                                 content_encoding, result)
             SELECT $1, $2, * FROM unnest($3::bigint[], $4::bytea[], $5::bytea[], $6::text[],
                                          $7::text[], $8::bytea[])",
        )
        .bind(self.held_until())
        .bind(self.worker.0)
        .bind(sent.iter().map(|(run, _)| *run).collect::<Vec<_>>())
        .bind(
            publications()
                .map(|sent| sent?.key.as_deref())
                .collect::<Vec<_>>(),
        )
        .bind(
            publications()
                .map(|sent| Some(&sent?.traceparent[..]))
                .collect::<Vec<_>>(),
        )
        .bind(
            described()
                .map(|described| described?.content_type.as_deref())
                .collect::<Vec<_>>(),
        )
        .bind(
            described()
                .map(|described| described?.content_encoding.as_deref())
                .collect::<Vec<_>>(),
        )
        .bind(
            publications()
                .map(|sent| Some(&sent?.body[..]))
                .collect::<Vec<_>>(),
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
    }
}

/// PostgreSQL holds no NUL in its texts.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The decisions of those runs that have one, with what is still to be published.
pub(super) async fn recorded(
    journal: &mut PgConnection,
    runs: &[i64],
) -> sqlx::Result<HashMap<i64, Recorded>> {
    if runs.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT {RECORDED}, run, topics, outbox.run IS NOT NULL, key, traceparent, content_type,
                content_encoding, result
         FROM decisions LEFT JOIN outbox USING (run) LEFT JOIN destinations USING (destination)
         WHERE run = ANY($1)"
    )))
    .bind(runs)
    .fetch_all(&mut *journal)
    .await?;
    let mut recorded = HashMap::with_capacity(rows.len());
    for row in &rows {
        if let Some(mut found) = reads::recorded(row)? {
            found.draft.pending = pending(row)?;
            recorded.insert(row.try_get(reads::RECORDED_COLUMNS)?, found);
        }
    }
    let pending = recorded
        .iter()
        .filter(|(_, recorded)| recorded.draft.outputs().is_some());
    let pending: Vec<_> = pending.map(|(run, _)| *run).collect();
    for (run, topic, _) in reads::ended_outputs(journal, &pending).await? {
        let found = recorded.get_mut(&run).map(|found| &mut found.draft.pending);
        if let Some(Pending::Result(left)) = found {
            left.outputs.retain(|output| *output != topic);
        }
    }
    Ok(recorded)
}

/// What is in the outbox, of the columns after the decision's and the run: topics, whether something
/// is there, key, trace parent, content type, content encoding, result.
fn pending(row: &PgRow) -> sqlx::Result<Pending> {
    const FIRST: usize = reads::RECORDED_COLUMNS + 1;
    let is_there: bool = row.try_get(FIRST + 1)?;
    let result: Option<Vec<u8>> = row.try_get(FIRST + 6)?;
    Ok(match (is_there, result) {
        (false, _) => Pending::Nothing,
        (true, None) => Pending::DeadLetter,
        (true, Some(body)) => Pending::Result(Publication {
            outputs: reads::topics(row, FIRST)?,
            key: row
                .try_get::<Option<Vec<u8>>, _>(FIRST + 2)?
                .map(Bytes::from),
            traceparent: row.try_get::<Vec<u8>, _>(FIRST + 3)?.into(),
            representation: Representation {
                content_type: row.try_get(FIRST + 4)?,
                content_encoding: row.try_get(FIRST + 5)?,
            },
            body: body.into(),
        }),
    })
}
