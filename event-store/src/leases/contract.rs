//! What every store of leases promises.

use std::sync::Arc;
use std::time::Duration;

use domain::WorkerId;
use domain::lease::{
    Asked, Epoch, Held, Holder, Lease, LeaseStore, Leased, TERM, Taken, give_back, is_free, renew,
    take,
};
use futures_util::future::{BoxFuture, join_all};
use uuid::Uuid;

/// Opens the store under test once more.
pub(crate) type Open<'o> = &'o (dyn Fn() -> BoxFuture<'o, Arc<dyn LeaseStore>> + Sync);

/// Has every term be over, where terms do not end by themselves.
pub(crate) type End<'e> = &'e (dyn Fn() -> BoxFuture<'e, ()> + Sync);

/// Runs every claim on one store.
pub(crate) async fn hold(open: Open<'_>, end: End<'_>) {
    hold_with(TERM, open, end).await;
}

/// The same with another term.
pub(crate) async fn hold_with(term: Duration, open: Open<'_>, end: End<'_>) {
    let (one, other) = (open().await, open().await);
    takes_and_renews(&*one).await;
    another_waits_until_it_is_given_back(&*one, &*other, term).await;
    another_takes_what_is_over_and_the_former_holder_sees_it(&*one, &*other, term, end).await;
    a_lost_answer_to_a_renewal_loses_no_lease(&*one, term).await;
    of_many_that_ask_at_once_one_gets_it(&[one, other], term).await;
    what_was_taken_is_known_to_who_opens_it_later(open, term).await;
}

fn asked(lease: u128, by: u128, term: Duration) -> Asked {
    Asked {
        leased: Leased::Worker(WorkerId(Uuid::from_u128(lease))),
        by: holder(by),
        guarded: Epoch(0),
        alone: false,
        term,
    }
}

fn holder(number: u128) -> Holder {
    Holder {
        worker: WorkerId(Uuid::from_u128(number)),
        place: Uuid::from_u128(number),
    }
}

async fn taken(store: &dyn LeaseStore, asked: &Asked) -> Lease {
    match take(store, asked).await.unwrap() {
        Taken::Lease(lease) => lease,
        Taken::Held(held) => panic!("{held}"),
    }
}

/// It can be read and written at all.
pub(crate) async fn takes_and_renews(store: &dyn LeaseStore) {
    let asked = Asked {
        leased: Leased::Assignments,
        ..asked(0, 1, TERM)
    };
    assert_eq!(store.read(asked.leased).await.unwrap(), None);
    let lease = taken(store, &asked).await;
    assert_eq!(lease.epoch, Epoch(1));
    let record = store.read(asked.leased).await.unwrap().unwrap();
    assert_eq!((record.holder, record.epoch), (holder(1), Epoch(1)));
    assert!(record.remaining > Duration::ZERO && record.remaining <= TERM);
    let renewed = renew(store, lease, TERM).await.unwrap().unwrap();
    assert_eq!(renewed.epoch, Epoch(1));
    assert!(renewed.version > lease.version);
}

async fn another_waits_until_it_is_given_back(
    one: &dyn LeaseStore,
    other: &dyn LeaseStore,
    term: Duration,
) {
    let lease = taken(one, &asked(1, 1, term)).await;
    let waits = take(other, &asked(1, 2, term)).await.unwrap();
    assert_eq!(waits, Taken::Held(Held::By(holder(1))));
    // Another lease is nobody's.
    taken(other, &asked(2, 2, term)).await;
    give_back(one, lease).await.unwrap();
    assert!(is_free(other.read(lease.leased).await.unwrap().as_ref()));
    assert_eq!(taken(other, &asked(1, 2, term)).await.epoch, Epoch(2));
}

async fn another_takes_what_is_over_and_the_former_holder_sees_it(
    one: &dyn LeaseStore,
    other: &dyn LeaseStore,
    term: Duration,
    end: End<'_>,
) {
    let lease = taken(one, &asked(3, 1, term)).await;
    let waits = take(other, &asked(3, 2, term)).await.unwrap();
    assert_eq!(waits, Taken::Held(Held::By(holder(1))));
    end().await;
    let next = loop {
        // Where terms end by themselves, they need some time.
        if let Taken::Lease(next) = take(other, &asked(3, 2, term)).await.unwrap() {
            break next;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(next.epoch, Epoch(2));
    assert_eq!(renew(one, lease, term).await.unwrap(), None);
    give_back(one, lease).await.unwrap();
    let record = other.read(lease.leased).await.unwrap().unwrap();
    assert_eq!((record.holder, record.version), (holder(2), next.version));
}

async fn a_lost_answer_to_a_renewal_loses_no_lease(store: &dyn LeaseStore, term: Duration) {
    let lease = taken(store, &asked(4, 1, term)).await;
    renew(store, lease, term).await.unwrap().unwrap();
    let renewed = renew(store, lease, term).await.unwrap().unwrap();
    assert_eq!(renewed.epoch, lease.epoch);
}

async fn of_many_that_ask_at_once_one_gets_it(stores: &[Arc<dyn LeaseStore>], term: Duration) {
    let asking = (0..8).map(|number| {
        let store = &stores[number % stores.len()];
        let asked = asked(5, 10 + number as u128, term);
        async move { take(&**store, &asked).await.unwrap() }
    });
    let answers = join_all(asking).await.into_iter();
    let leases = answers.filter(|answer| matches!(answer, Taken::Lease(_)));
    assert_eq!(leases.count(), 1);
}

async fn what_was_taken_is_known_to_who_opens_it_later(open: Open<'_>, term: Duration) {
    let lease = taken(&*open().await, &asked(6, 1, term)).await;
    let later = open().await;
    let waits = take(&*later, &asked(6, 2, term)).await.unwrap();
    assert_eq!(waits, Taken::Held(Held::By(holder(1))));
    // The one that has it was started again.
    let again = taken(&*later, &asked(6, 1, term)).await;
    assert!(again.epoch > lease.epoch);
}
