//! Taking messages, and counting their calls.

use std::collections::{HashMap, HashSet};

use brokers::Fingerprint;
use domain::RunId;
use sqlx::Row;
use uuid::Uuid;

use super::decisions;
use super::transaction::Batch;
use crate::journal::life::Life;
use crate::journal::operation::Listener;
use crate::journal::record::{Claim, Claimed, ListenerKey, MessageId, RunKey, Taken, Upstream};

/// Where something is taken.
struct Place {
    run_id: RunId,
    /// None for a direct run, whose place is its number.
    id: Option<MessageId>,
    incarnation: u32,
    /// Whether the listener's position is beyond it.
    is_past: bool,
    fingerprint: Option<Fingerprint>,
    upstream: Upstream,
}

/// What is found of something that is taken.
enum Found {
    Run(Box<Claimed>),
    /// It has ended, and is not known any more.
    Ended,
    /// Another message was taken in its place.
    Other,
}

/// A run that is known at a place.
struct Known {
    run: i64,
    attempts: u32,
    claims: u32,
    fingerprint: Option<Fingerprint>,
}

/// A place in the journal: listener, partition, offset, incarnation.
type Key = (i64, i32, i64, u32);

impl Batch<'_> {
    pub(super) async fn listener(&mut self, listener: &Listener) -> sqlx::Result<ListenerKey> {
        let key = sqlx::query_scalar(
            "INSERT INTO listeners (consumer_group, topic, algorithm) VALUES ($1, $2, $3)
             ON CONFLICT (consumer_group) DO UPDATE SET topic = excluded.topic RETURNING listener",
        )
        .bind(&listener.owner)
        .bind(&listener.topic)
        .bind(&listener.algorithm)
        .fetch_one(&mut *self.tx)
        .await?;
        Ok(ListenerKey(key))
    }

    /// Takes messages, or finds what is known of them. Each pass takes those that the passes before
    /// stood in the way of: the same message again, or another one in its place.
    pub(super) async fn claims(&mut self, claims: &[&Claim]) -> sqlx::Result<Vec<Option<Claimed>>> {
        let mut claimed: Vec<Option<Claimed>> = claims.iter().map(|_| None).collect();
        let mut left: Vec<usize> = (0..claims.len()).collect();
        while !left.is_empty() {
            let mut seen = HashSet::new();
            let (first, again): (Vec<_>, Vec<_>) = left.into_iter().partition(|index| {
                let claim = claims[*index];
                let message = message(claim);
                message.is_none_or(|id| seen.insert((claim.listener, id)))
            });
            let taken: Vec<_> = first.iter().map(|index| claims[*index]).collect();
            let found = self.pass(&taken).await?;
            left = Vec::new();
            for (index, found) in first.into_iter().zip(found) {
                match found {
                    Found::Run(run) => claimed[index] = Some(*run),
                    Found::Ended => {}
                    Found::Other => left.push(index),
                }
            }
            if let Some(index) = left.first() {
                self.begin_again(claims[*index]).await?;
            }
            left.extend(again);
            left.sort_unstable();
        }
        Ok(claimed)
    }

    /// Takes what is new and finds what is known.
    async fn pass(&mut self, claims: &[&Claim]) -> sqlx::Result<Vec<Found>> {
        let partitions = claims.iter().filter_map(|claim| {
            let partition = message(claim)?.partition;
            Some((claim.listener, partition))
        });
        let lives = self.lives(partitions).await?;
        let places = claims.iter().map(|claim| (*claim, place(claim, &lives)));
        let places: Vec<_> = places.collect();
        let new = self.insert(&places).await?;
        let old = places
            .iter()
            .filter(|(_, place)| !new.contains_key(&place.run_id));
        let known = self
            .known(old.filter_map(|(claim, place)| key(claim, place)))
            .await?;
        let mut found = Vec::with_capacity(claims.len());
        for (claim, place) in &places {
            if let Some(run) = new.get(&place.run_id) {
                self.count_received(claim.listener);
                found.push(Found::Run(Box::new(run_of(claim, place, *run))));
                continue;
            }
            let known = key(claim, place).and_then(|key| known.get(&key));
            found.push(match known {
                Some(known) if known.fingerprint == place.fingerprint => {
                    Found::Run(Box::new(Claimed {
                        attempts: known.attempts,
                        claims: known.claims,
                        ..run_of(claim, place, known.run)
                    }))
                }
                None if place.is_past => Found::Ended,
                Some(_) | None => Found::Other,
            });
        }
        self.take_again(&mut found, &new).await?;
        Ok(found)
    }

    /// Inserts runs where there are none; answers the numbers of those that it inserted.
    async fn insert(&mut self, places: &[(&Claim, Place)]) -> sqlx::Result<HashMap<RunId, i64>> {
        let all: Vec<_> = places.iter().filter(|(_, place)| !place.is_past).collect();
        if all.is_empty() {
            return Ok(HashMap::new());
        }
        let places = || all.iter().map(|(_, place)| place);
        let sent_at = |place: &Place| place.fingerprint.as_ref()?.sent_at_ms;
        let digest = |place: &Place| Some(place.fingerprint.as_ref()?.digest.to_vec());
        let correlation = |place: &Place| Some(Uuid::from_bytes(place.upstream.correlation?.0));
        let inserted = sqlx::query(
            // In the order of places, so that two workers do not wait for each other in a circle.
            "INSERT INTO runs (listener, run, run_id, partition, \"offset\", incarnation, sent_at,
                               digest, worker, claimed_at, attempts, correlation, parent)
             SELECT listener, number, run_id, partition, coalesce(\"offset\", number), incarnation,
                    sent_at, digest, $1, $2, attempts, correlation, parent
             FROM (SELECT *, nextval('run_numbers') AS number
                   FROM (SELECT *
                         FROM unnest($3::bigint[], $4::uuid[], $5::int[], $6::bigint[], $7::bigint[],
                                     $8::bigint[], $9::bytea[], $10::bigint[], $11::uuid[],
                                     $12::uuid[])
                              AS given(listener, run_id, partition, \"offset\", incarnation,
                                       sent_at, digest, attempts, correlation, parent)
                         ORDER BY listener, partition, \"offset\") AS sorted) AS numbered
             ON CONFLICT (listener, partition, \"offset\", incarnation) DO NOTHING
             RETURNING run_id, run",
        )
        .bind(self.worker.0)
        .bind(self.now)
        .bind(all.iter().map(|(claim, _)| claim.listener.0).collect::<Vec<_>>())
        .bind(places().map(|place| place.run_id.0).collect::<Vec<_>>())
        .bind(places().map(|place| place.id.map_or(0, |id| id.partition)).collect::<Vec<_>>())
        .bind(places().map(|place| place.id.map(|id| id.offset)).collect::<Vec<_>>())
        .bind(places().map(|place| i64::from(place.incarnation)).collect::<Vec<_>>())
        .bind(places().map(sent_at).collect::<Vec<_>>())
        .bind(places().map(digest).collect::<Vec<_>>())
        .bind(all.iter().map(|(claim, _)| i64::from(claim.calls)).collect::<Vec<_>>())
        .bind(places().map(correlation).collect::<Vec<_>>())
        .bind(places().map(|place| Some(place.upstream.parent?.0)).collect::<Vec<_>>())
        .fetch_all(&mut *self.tx)
        .await?;
        let numbers = inserted.iter().map(|row| {
            let run_id: Uuid = row.try_get(0)?;
            Ok((RunId(run_id), row.try_get(1)?))
        });
        numbers.collect()
    }

    /// What is known at places.
    async fn known(
        &mut self,
        places: impl Iterator<Item = Key>,
    ) -> sqlx::Result<HashMap<Key, Known>> {
        let places: Vec<_> = places.collect();
        if places.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = sqlx::query(
            "SELECT r.listener, r.partition, r.\"offset\", r.incarnation, run, attempts, claims,
                    sent_at, digest
             FROM runs AS r JOIN unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[])
                                 AS k(listener, partition, \"offset\", incarnation)
                  USING (listener, partition, \"offset\", incarnation)",
        )
        .bind(places.iter().map(|place| place.0).collect::<Vec<_>>())
        .bind(places.iter().map(|place| place.1).collect::<Vec<_>>())
        .bind(places.iter().map(|place| place.2).collect::<Vec<_>>())
        .bind(
            places
                .iter()
                .map(|place| i64::from(place.3))
                .collect::<Vec<_>>(),
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let known = rows.iter().map(|row| {
            let key = (
                row.try_get(0)?,
                row.try_get(1)?,
                row.try_get(2)?,
                number(row, 3)?,
            );
            let digest: Option<Vec<u8>> = row.try_get(8)?;
            let sent_at_ms = row.try_get(7)?;
            let known = Known {
                run: row.try_get(4)?,
                attempts: number(row, 5)?,
                claims: number(row, 6)?,
                fingerprint: digest.and_then(|digest| {
                    let digest = digest.try_into().ok()?;
                    Some(Fingerprint { sent_at_ms, digest })
                }),
            };
            Ok((key, known))
        });
        known.collect()
    }

    /// Completes what was found of known runs: their decisions, and that they were taken again.
    async fn take_again(
        &mut self,
        found: &mut [Found],
        new: &HashMap<RunId, i64>,
    ) -> sqlx::Result<()> {
        let known = found.iter_mut().filter_map(|found| match found {
            Found::Run(claimed) => Some(claimed),
            Found::Ended | Found::Other => None,
        });
        let mut known: Vec<_> = known
            .filter(|claimed| !new.contains_key(&claimed.run_id))
            .collect();
        let runs: Vec<_> = known.iter().map(|claimed| claimed.run.run).collect();
        let mut decided = decisions::recorded(self.tx, &runs).await?;
        let mut undecided = Vec::new();
        for claimed in &mut known {
            claimed.decision = decided.remove(&claimed.run.run).map(Box::new);
            if claimed.decision.is_none() {
                claimed.claims += 1;
                undecided.push(claimed.run);
            }
        }
        if undecided.is_empty() {
            return Ok(());
        }
        undecided.sort_unstable_by_key(|run| (run.listener, run.run));
        sqlx::query(
            "UPDATE runs SET claims = claims + 1
             FROM unnest($1::bigint[], $2::bigint[]) AS k(listener, run)
             WHERE runs.listener = k.listener AND runs.run = k.run",
        )
        .bind(
            undecided
                .iter()
                .map(|run| run.listener.0)
                .collect::<Vec<_>>(),
        )
        .bind(undecided.iter().map(|run| run.run).collect::<Vec<_>>())
        .execute(&mut *self.tx)
        .await
        .map(drop)
    }

    /// Adds calls to runs, or takes them back; answers how many are counted then, in order.
    pub(super) async fn add_attempts(&mut self, runs: &[(RunKey, i64)]) -> sqlx::Result<Vec<u32>> {
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "UPDATE runs SET attempts = greatest(0, attempts + k.added)
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS k(listener, run, added)
             WHERE runs.listener = k.listener AND runs.run = k.run
             RETURNING runs.run, runs.attempts",
        )
        .bind(
            runs.iter()
                .map(|(run, _)| run.listener.0)
                .collect::<Vec<_>>(),
        )
        .bind(runs.iter().map(|(run, _)| run.run).collect::<Vec<_>>())
        .bind(runs.iter().map(|(_, added)| *added).collect::<Vec<_>>())
        .fetch_all(&mut *self.tx)
        .await?;
        let counted = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, number(row, 1)?)));
        let counted = counted.collect::<sqlx::Result<HashMap<i64, u32>>>()?;
        // A run that retention deleted meanwhile was decided; nobody will use the number.
        let count = |run: &RunKey| counted.get(&run.run).copied().unwrap_or_default();
        Ok(runs.iter().map(|(run, _)| count(run)).collect())
    }
}

fn message(claim: &Claim) -> Option<MessageId> {
    match &claim.taken {
        Taken::Message { id, .. } => Some(*id),
        Taken::Direct(_) => None,
    }
}

fn place(claim: &Claim, lives: &HashMap<(ListenerKey, i32), Life>) -> Place {
    match &claim.taken {
        Taken::Direct(run_id) => Place {
            run_id: *run_id,
            id: None,
            incarnation: 0,
            is_past: false,
            fingerprint: None,
            upstream: Upstream::default(),
        },
        Taken::Message {
            group,
            topic,
            id,
            fingerprint,
            upstream,
        } => {
            let life = lives.get(&(claim.listener, id.partition));
            let life = life.copied().unwrap_or_default();
            let incarnation = life.of(id.offset);
            Place {
                run_id: id.run_id(*group, topic, incarnation),
                id: Some(*id),
                incarnation,
                is_past: life.is_past(id.offset),
                fingerprint: Some(*fingerprint),
                upstream: *upstream,
            }
        }
    }
}

/// A new run.
fn run_of(claim: &Claim, place: &Place, run: i64) -> Claimed {
    Claimed {
        run: RunKey {
            listener: claim.listener,
            run,
        },
        run_id: place.run_id,
        attempts: u32::from(claim.calls),
        claims: 1,
        decision: None,
    }
}

fn key(claim: &Claim, place: &Place) -> Option<Key> {
    let id = place.id?;
    Some((claim.listener.0, id.partition, id.offset, place.incarnation))
}

/// A count that is kept as a bigint.
fn number(row: &sqlx::postgres::PgRow, column: usize) -> sqlx::Result<u32> {
    let number: i64 = row.try_get(column)?;
    u32::try_from(number).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
