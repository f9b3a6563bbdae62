//! Who gets a lease: the same for every store.

use std::time::Duration;

use super::{Entry, Epoch, Holder, Lease, LeaseError, LeaseStore, Leased, Record};

/// How often a record that others replace is read again.
const MOST_TRIES: u32 = 5;

/// Who asks for a lease, and what for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub leased: Leased,
    pub by: Holder,
    /// The epoch in the store that the lease guards: the next one is higher, whatever became of the
    /// record.
    pub guarded: Epoch,
    /// Whether only that store knows what was done in former epochs, so that whoever guards an older
    /// one has a copy of it.
    pub alone: bool,
    pub term: Duration,
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Lease(Lease),
    Held(Held),
}

/// Why a lease was not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Held {
    /// Somebody has it.
    #[error("the worker {} holds the lease, on another data directory", .0.worker)]
    By(Holder),
    /// The same worker has held it elsewhere since the guarded store was written.
    #[error(
        "the worker {} has worked on another data directory since, in epoch {since}: this journal is \
         of epoch {guarded}",
        by.worker
    )]
    Outdated {
        by: Holder,
        since: Epoch,
        guarded: Epoch,
    },
}

/// Whether a lease may be taken by anybody.
#[must_use]
pub fn is_free(record: Option<&Record>) -> bool {
    record.is_none_or(|record| record.remaining.is_zero())
}

/// The epoch in which the one who asks may take the lease.
fn next(record: Option<&Record>, asked: &Asked) -> Result<Epoch, Held> {
    let Some(record) = record else {
        return Ok(Epoch(asked.guarded.0 + 1));
    };
    let again = record.holder == asked.by;
    if !again && !record.remaining.is_zero() {
        return Err(Held::By(record.holder));
    }
    let copied = !again && record.holder.worker == asked.by.worker && record.epoch > asked.guarded;
    if asked.alone && copied {
        return Err(Held::Outdated {
            by: record.holder,
            since: record.epoch,
            guarded: asked.guarded,
        });
    }
    Ok(Epoch(record.epoch.max(asked.guarded).0 + 1))
}

/// Takes a lease, if nobody else has it.
///
/// # Errors
/// The store does not answer; the lease may be taken all the same.
pub async fn take(store: &dyn LeaseStore, asked: &Asked) -> Result<Taken, LeaseError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let record = store.read(asked.leased).await?;
        let epoch = match next(record.as_ref(), asked) {
            Ok(epoch) => epoch,
            Err(held) => return Ok(Taken::Held(held)),
        };
        let after = record.map_or(0, |record| record.version);
        let entry = Entry {
            holder: asked.by,
            epoch,
            term: asked.term,
        };
        if let Some(version) = store.replace(asked.leased, after, entry).await? {
            return Ok(Taken::Lease(Lease {
                leased: asked.leased,
                holder: asked.by,
                epoch,
                version,
            }));
        }
        if tries == MOST_TRIES {
            return Err(LeaseError(
                "others replace the record again and again".into(),
            ));
        }
    }
}

/// Renews a lease; none if somebody else has taken it. Whether the term was over matters only to
/// whoever else asked for it.
///
/// # Errors
/// The store does not answer; the lease may be renewed all the same.
pub async fn renew(
    store: &dyn LeaseStore,
    lease: Lease,
    term: Duration,
) -> Result<Option<Lease>, LeaseError> {
    let Lease { holder, epoch, .. } = lease;
    let entry = Entry {
        holder,
        epoch,
        term,
    };
    let mut after = lease.version;
    for _ in 0..MOST_TRIES {
        if let Some(version) = store.replace(lease.leased, after, entry).await? {
            return Ok(Some(Lease { version, ..lease }));
        }
        // An earlier renewal may have been written, and its answer lost.
        match store.read(lease.leased).await? {
            Some(record) if record.holder == holder && record.epoch == epoch => {
                after = record.version;
            }
            Some(_) | None => return Ok(None),
        }
    }
    Err(LeaseError(
        "others replace the record again and again".into(),
    ))
}

/// Gives a lease back, so that others need not wait for its end.
///
/// # Errors
/// The store does not answer: the lease ends with its term.
pub async fn give_back(store: &dyn LeaseStore, lease: Lease) -> Result<(), LeaseError> {
    renew(store, lease, Duration::ZERO).await.map(drop)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::WorkerId;

    fn holder(worker: u128, place: u128) -> Holder {
        Holder {
            worker: WorkerId(Uuid::from_u128(worker)),
            place: Uuid::from_u128(place),
        }
    }

    fn asked(by: Holder, guarded: u64) -> Asked {
        Asked {
            leased: Leased::Assignments,
            by,
            guarded: Epoch(guarded),
            alone: true,
            term: super::super::TERM,
        }
    }

    fn record(holder: Holder, epoch: u64, seconds: u64) -> Record {
        Record {
            holder,
            epoch: Epoch(epoch),
            version: 9,
            remaining: Duration::from_secs(seconds),
        }
    }

    #[test]
    fn the_first_holder_goes_on_from_the_guarded_epoch() {
        assert_eq!(next(None, &asked(holder(1, 1), 0)), Ok(Epoch(1)));
        // The store of leases was lost.
        assert_eq!(next(None, &asked(holder(1, 1), 7)), Ok(Epoch(8)));
        let restored = record(holder(1, 1), 3, 0);
        assert_eq!(next(Some(&restored), &asked(holder(1, 1), 7)), Ok(Epoch(8)));
    }

    #[test]
    fn another_waits_until_the_term_is_over() {
        let held = record(holder(1, 1), 3, 1);
        let other = asked(holder(2, 2), 0);
        assert_eq!(next(Some(&held), &other), Err(Held::By(holder(1, 1))));
        let over = record(holder(1, 1), 3, 0);
        assert_eq!(next(Some(&over), &other), Ok(Epoch(4)));
    }

    #[test]
    fn a_worker_that_was_started_again_in_its_place_does_not_wait() {
        let held = record(holder(1, 1), 3, 9);
        assert_eq!(next(Some(&held), &asked(holder(1, 1), 3)), Ok(Epoch(4)));
        // It had taken the lease and was killed before that was in its journal.
        assert_eq!(next(Some(&held), &asked(holder(1, 1), 2)), Ok(Epoch(4)));
        // A copy of its directory waits.
        let copy = asked(holder(1, 2), 3);
        assert_eq!(next(Some(&held), &copy), Err(Held::By(holder(1, 1))));
    }

    #[test]
    fn a_journal_that_was_moved_goes_on_and_one_that_was_left_behind_does_not() {
        let over = record(holder(1, 1), 3, 0);
        assert_eq!(next(Some(&over), &asked(holder(1, 2), 3)), Ok(Epoch(4)));
        let moved = record(holder(1, 2), 4, 0);
        let outdated = Held::Outdated {
            by: holder(1, 2),
            since: Epoch(4),
            guarded: Epoch(3),
        };
        let left_behind = asked(holder(1, 1), 3);
        assert_eq!(next(Some(&moved), &left_behind), Err(outdated));
        // Where others know as much, nothing is missing.
        let shared = Asked {
            alone: false,
            ..left_behind
        };
        assert_eq!(next(Some(&moved), &shared), Ok(Epoch(5)));
    }
}
