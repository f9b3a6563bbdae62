//! Taking messages, and counting their calls.

use brokers::Fingerprint;
use domain::RunId;
use rusqlite::{OptionalExtension, params};

use super::batch::Batch;
use crate::journal::operation::{Attempt, Claims, Listener, Refund};
use crate::journal::record::{Claim, Claimed, ListenerKey, MessageId, RunKey, Taken, Upstream};

impl Batch<'_> {
    pub(super) fn listener(&mut self, listener: &Listener) -> rusqlite::Result<ListenerKey> {
        self.tx.query_row(
            "INSERT INTO listeners (consumer_group, topic, algorithm) VALUES (?1, ?2, ?3)
             ON CONFLICT (consumer_group) DO UPDATE SET topic = excluded.topic RETURNING listener",
            [&listener.owner, &listener.topic, &listener.algorithm],
            |row| row.get(0).map(ListenerKey),
        )
    }

    pub(super) fn claims(&mut self, claims: &Claims) -> rusqlite::Result<Vec<Option<Claimed>>> {
        claims.0.iter().map(|claim| take(claim, self)).collect()
    }

    pub(super) fn attempt(&mut self, attempt: &Attempt) -> rusqlite::Result<u32> {
        add_attempts(self, attempt.0, 1)
    }

    pub(super) fn refund(&mut self, refund: &Refund) -> rusqlite::Result<()> {
        add_attempts(self, refund.run, -i64::from(refund.attempts)).map(drop)
    }
}

/// What is new gets a row, what is known is found; none where it has ended and is not known any more.
fn take(claim: &Claim, batch: &mut Batch<'_>) -> rusqlite::Result<Option<Claimed>> {
    match &claim.taken {
        Taken::Direct(run_id) => {
            let place = Place {
                run_id: *run_id,
                // Its number is a place that no other has.
                id: MessageId {
                    partition: 0,
                    offset: batch.memory.next_run,
                },
                incarnation: 0,
                fingerprint: None,
                upstream: Upstream::default(),
            };
            match insert(claim, &place, batch)? {
                Some(claimed) => Ok(Some(claimed)),
                None => Err(rusqlite::Error::QueryReturnedNoRows),
            }
        }
        Taken::Message {
            group,
            topic,
            id,
            fingerprint,
            upstream,
        } => {
            let place = |incarnation| Place {
                run_id: id.run_id(*group, topic, incarnation),
                id: *id,
                incarnation,
                fingerprint: Some(*fingerprint),
                upstream: *upstream,
            };
            let (incarnation, has_ended) = batch.standing(claim.listener, *id)?;
            let present = place(incarnation);
            if !has_ended && let Some(new) = insert(claim, &present, batch)? {
                return Ok(Some(new));
            }
            if let Some(known) = again(claim, &present, batch)? {
                return Ok(Some(known));
            }
            if has_ended && !is_taken(claim, &present, batch)? {
                return Ok(None);
            }
            // Another message has taken its place: the log was truncated, or the topic is another.
            let incarnation = batch.begin_again(claim.listener, *id)?;
            tracing::warn!(
                topic = &**topic,
                partition = id.partition,
                offset = id.offset,
                "another message is where one was read before"
            );
            let new = insert(claim, &place(incarnation), batch)?;
            new.map(Some).ok_or(rusqlite::Error::QueryReturnedNoRows)
        }
    }
}

/// Where something is taken.
struct Place {
    run_id: RunId,
    id: MessageId,
    incarnation: u32,
    fingerprint: Option<Fingerprint>,
    upstream: Upstream,
}

/// Inserts a run, unless there is one at that place.
fn insert(
    claim: &Claim,
    place: &Place,
    batch: &mut Batch<'_>,
) -> rusqlite::Result<Option<Claimed>> {
    let run = batch.memory.next_run;
    let fingerprint = place.fingerprint.as_ref();
    let inserted = batch
        .tx
        .prepare_cached(
            "INSERT INTO runs
                (listener, run, run_id, partition, \"offset\", incarnation, sent_at, digest,
                 claimed_at, attempts, correlation, parent)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (listener, partition, \"offset\", incarnation) DO NOTHING",
        )?
        .execute(params![
            claim.listener.0,
            run,
            place.run_id.0.as_bytes(),
            place.id.partition,
            place.id.offset,
            place.incarnation,
            fingerprint.and_then(|fingerprint| fingerprint.sent_at_ms),
            fingerprint.map(|fingerprint| &fingerprint.digest[..]),
            batch.now.as_microsecond(),
            u32::from(claim.calls),
            place.upstream.correlation.map(|id| id.0),
            place.upstream.parent.map(|parent| parent.0.into_bytes()),
        ])?;
    if inserted == 0 {
        return Ok(None);
    }
    batch.memory.next_run += 1;
    batch.count_received(claim.listener);
    Ok(Some(Claimed {
        run: RunKey {
            listener: claim.listener,
            run,
        },
        run_id: place.run_id,
        attempts: u32::from(claim.calls),
        claims: 1,
        decision: None,
    }))
}

/// Whether there is a run at a place, of whichever message.
fn is_taken(claim: &Claim, place: &Place, batch: &Batch<'_>) -> rusqlite::Result<bool> {
    let mut select = batch.tx.prepare_cached(
        "SELECT 1 FROM runs
         WHERE listener = ?1 AND partition = ?2 AND \"offset\" = ?3 AND incarnation = ?4",
    )?;
    select.exists(params![
        claim.listener.0,
        place.id.partition,
        place.id.offset,
        place.incarnation
    ])
}

/// Takes a message that is known; none if another one is at its place.
fn again(claim: &Claim, place: &Place, batch: &mut Batch<'_>) -> rusqlite::Result<Option<Claimed>> {
    let mut select = batch.tx.prepare_cached(
        "SELECT run, attempts, claims FROM runs
         WHERE listener = ?1 AND partition = ?2 AND \"offset\" = ?3 AND incarnation = ?4
           AND sent_at IS ?5 AND digest IS ?6",
    )?;
    let fingerprint = place.fingerprint.as_ref();
    let known = select.query_row(
        params![
            claim.listener.0,
            place.id.partition,
            place.id.offset,
            place.incarnation,
            fingerprint.and_then(|fingerprint| fingerprint.sent_at_ms),
            fingerprint.map(|fingerprint| &fingerprint.digest[..]),
        ],
        |row| {
            Ok(Claimed {
                run: RunKey {
                    listener: claim.listener,
                    run: row.get(0)?,
                },
                run_id: place.run_id,
                attempts: row.get(1)?,
                claims: row.get(2)?,
                decision: None,
            })
        },
    );
    let Some(mut claimed) = known.optional()? else {
        return Ok(None);
    };
    claimed.decision = batch.recorded(claimed.run)?.map(Box::new);
    if claimed.decision.is_none() {
        claimed.claims += 1;
        batch
            .tx
            .prepare_cached("UPDATE runs SET claims = claims + 1 WHERE listener = ?1 AND run = ?2")?
            .execute([claimed.run.listener.0, claimed.run.run])?;
    }
    Ok(Some(claimed))
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
