//! Deciding runs, once each, and what the decision sends out.

use bytes::Bytes;
use domain::TopicId;
use jiff::SignedDuration;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::batch::Batch;
use super::reads::{self, RECORDED};
use crate::journal::HOLD;
use crate::journal::decision::{
    Draft, Outcome, Pending, Publication, Recorded, Representation, topic_list,
};
use crate::journal::operation::Decide;
use crate::journal::record::RunKey;

impl Batch<'_> {
    pub(super) fn decide(&mut self, decide: &Decide) -> rusqlite::Result<Outcome> {
        let Decide { run, draft } = decide;
        let destination = draft.outputs().map(|outputs| self.destination(outputs));
        let destination = destination.transpose()?;
        let inserted = self
            .tx
            .prepare_cached(
                "INSERT INTO decisions (run, listener, decision, version, revision, status, reason,
                                        reason_text, finished_at, digest, destination, failure,
                                        called_at, call_took)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14
                 WHERE ?15 OR EXISTS (SELECT 1 FROM runs WHERE listener = ?2 AND run = ?1)
                 ON CONFLICT (run) DO NOTHING",
            )?
            .execute(params![
                run.run,
                run.listener.0,
                draft.decision.as_str(),
                draft.version.as_ref().map(ToString::to_string),
                draft.revision.map(|revision| revision.to_string()),
                draft.status,
                draft.reason.map(|reason| reason.as_str()),
                draft.reason_text,
                self.now.as_microsecond(),
                draft.digest.as_ref().map(|digest| &digest[..]),
                destination,
                draft.failure.map(|failure| failure.to_string()),
                draft
                    .call
                    .map(|call| call.began_at(self.now.as_microsecond())),
                draft.call.map(|call| call.micros()),
                run.run > self.memory.perhaps_deleted,
            ])?;
        if inserted == 0 {
            let earlier = self.recorded(*run)?;
            let earlier = earlier.map(|earlier| Outcome::Earlier(Box::new(earlier)));
            return Ok(earlier.unwrap_or(Outcome::Forgotten));
        }
        self.send_out(*run, draft)?;
        self.count_decided(run.listener, draft.decision);
        Ok(Outcome::Recorded(self.now))
    }

    /// The decision of a run, with what is still to be published.
    pub(super) fn recorded(&mut self, run: RunKey) -> rusqlite::Result<Option<Recorded>> {
        self.empty_outbox()?;
        recorded(self.tx, run)
    }

    /// Puts what there is to be published into the outbox, held by whoever decided.
    fn send_out(&self, run: RunKey, draft: &Draft) -> rusqlite::Result<()> {
        if draft.pending == Pending::Nothing {
            return Ok(());
        }
        let publication = draft.publication();
        let described = publication.map(|publication| &publication.representation);
        self.tx
            .prepare_cached(
                "INSERT INTO outbox (run, held_until, key, traceparent, content_type,
                                     content_encoding, result)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                run.run,
                self.held_until(),
                publication.and_then(|publication| publication.key.as_deref()),
                publication.map(|publication| &publication.traceparent[..]),
                described.and_then(|described| described.content_type.as_deref()),
                described.and_then(|described| described.content_encoding.as_deref()),
                publication.map(|publication| &publication.body[..]),
            ])
            .map(drop)
    }

    /// The end of a hold that begins now.
    pub(super) fn held_until(&self) -> i64 {
        let hold = SignedDuration::try_from(HOLD).unwrap_or(SignedDuration::MAX);
        self.now
            .saturating_add(hold)
            .map_or(i64::MAX, |until| until.as_microsecond())
    }

    /// The number of a list of topics, written down once.
    fn destination(&mut self, topics: &[TopicId]) -> rusqlite::Result<i64> {
        if let Some(known) = self.memory.destinations.get(topics) {
            return Ok(*known);
        }
        let list = topic_list(topics);
        self.tx
            .prepare_cached("INSERT INTO destinations (topics) VALUES (?1) ON CONFLICT DO NOTHING")?
            .execute([&list])?;
        let number = self
            .tx
            .prepare_cached("SELECT destination FROM destinations WHERE topics = ?1")?
            .query_row([&list], |row| row.get(0))?;
        self.memory.destinations.insert(topics.to_vec(), number);
        Ok(number)
    }
}

fn recorded(journal: &Connection, run: RunKey) -> rusqlite::Result<Option<Recorded>> {
    let mut select = journal.prepare_cached(&format!(
        "SELECT {RECORDED}, topics, outbox.run IS NOT NULL, key, traceparent, content_type,
                content_encoding, result
         FROM decisions LEFT JOIN outbox USING (run) LEFT JOIN destinations USING (destination)
         WHERE run = ?1"
    ))?;
    let found = select.query_row([run.run], |row| {
        let mut recorded = reads::recorded(row, 0)?;
        if let Some(recorded) = &mut recorded {
            recorded.draft.pending = pending(row)?;
        }
        Ok(recorded)
    });
    let Some(mut recorded) = found.optional()?.flatten() else {
        return Ok(None);
    };
    if let Pending::Result(publication) = &mut recorded.draft.pending {
        let ended = reads::ended_outputs(journal, run.run)?;
        publication
            .outputs
            .retain(|topic| ended.iter().all(|(ended, _)| ended != topic));
    }
    Ok(Some(recorded))
}

/// What is in the outbox, of the columns after the decision's: topics, whether something is there,
/// key, trace parent, content type, content encoding, result.
fn pending(row: &Row<'_>) -> rusqlite::Result<Pending> {
    const FIRST: usize = reads::RECORDED_COLUMNS;
    let (is_there, result): (bool, Option<Vec<u8>>) = (row.get(FIRST + 1)?, row.get(FIRST + 6)?);
    Ok(match (is_there, result) {
        (false, _) => Pending::Nothing,
        (true, None) => Pending::DeadLetter,
        (true, Some(body)) => Pending::Result(Publication {
            outputs: reads::topics(row, FIRST)?,
            key: row.get::<_, Option<Vec<u8>>>(FIRST + 2)?.map(Bytes::from),
            traceparent: row.get::<_, Vec<u8>>(FIRST + 3)?.into(),
            representation: Representation {
                content_type: row.get(FIRST + 4)?,
                content_encoding: row.get(FIRST + 5)?,
            },
            body: body.into(),
        }),
    })
}
