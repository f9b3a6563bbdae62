//! The contract on PostgreSQL, and what only PostgreSQL promises.

use std::sync::Arc;

use domain::lease::Epoch;
use domain::testing::score;
use domain::{RunId, WorkerId};
use futures_util::future::join_all;
use uuid::Uuid;

use crate::journal::contract::{self, Opener};
use crate::journal::{
    Claim, Draft, Journal, JournalError, ListenerKey, Outcome, Retention, RunKey, Taken,
};
use test_database::Database;

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_holds_the_contract() {
    contract::hold(new_journal).await;
}

fn new_journal() -> Opener {
    let database = Arc::new(tokio::sync::OnceCell::<Database>::new());
    Arc::new(move || {
        let database = Arc::clone(&database);
        Box::pin(async move {
            let database = database.get_or_init(Database::new).await;
            open(database, 1).await
        })
    })
}

async fn open(database: &Database, worker: u128) -> Journal {
    let worker = WorkerId(Uuid::from_u128(worker));
    Journal::open_shared(&database.url(), worker).await.unwrap()
}

/// A draft that one worker decides by, and nobody else.
fn draft(result: &'static str) -> Arc<Draft> {
    Arc::new(contract::succeeded(result))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_that_take_the_same_messages_decide_each_once() {
    let database = Database::new().await;
    let (one, two) = (open(&database, 1).await, open(&database, 2).await);
    let listener = contract::listener(&one).await;
    assert_eq!(contract::listener(&two).await, listener);
    let (of_one, of_two) = tokio::join!(
        tokio::spawn(decide_all(one.clone(), listener, "one")),
        tokio::spawn(decide_all(two, listener, "two"))
    );
    for ((run, by_one), (same, by_two)) in of_one.unwrap().into_iter().zip(of_two.unwrap()) {
        assert_eq!(run, same);
        let is_recorded = |outcome: &Outcome| matches!(outcome, Outcome::Recorded(_));
        assert_ne!(is_recorded(&by_one), is_recorded(&by_two));
    }
    let ledger = one.ledgers(&[contract::owner()]).await.unwrap()[0];
    let counts = (ledger.received, ledger.succeeded, ledger.in_flight);
    assert_eq!(counts, (500, 500, 0));
}

/// Takes 500 messages at once and decides each.
async fn decide_all(
    journal: Journal,
    listener: ListenerKey,
    result: &'static str,
) -> Vec<(RunKey, Outcome)> {
    let runs = (0..500).map(|offset| {
        let journal = journal.clone();
        async move {
            let claimed = journal.claim(vec![contract::claim(listener, offset)]).await;
            let run = claimed.unwrap().remove(0).unwrap().run;
            let outcome = journal.decide(run, draft(result)).await.unwrap();
            (run, outcome)
        }
    });
    join_all(runs).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_worker_decided_another_takes_once_nobody_holds_it() {
    let database = Database::new().await;
    let (one, two) = (open(&database, 1).await, open(&database, 2).await);
    let listener = contract::listener(&one).await;
    let claimed = one.claim(vec![contract::claim(listener, 0)]).await.unwrap();
    one.decide(claimed[0].as_ref().unwrap().run, draft("one"))
        .await
        .unwrap();
    assert_eq!(two.take_unpublished(0, 10).await.unwrap(), []);
    // A worker that starts takes back what it held itself, and no other's.
    two.recover().await.unwrap();
    assert_eq!(two.take_unpublished(0, 10).await.unwrap(), []);
    database
        .run("UPDATE journal.outbox SET held_until = 1")
        .await;
    assert_eq!(two.take_unpublished(0, 10).await.unwrap().len(), 1);
    assert_eq!(one.take_unpublished(0, 10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_run_of_a_worker_that_is_at_work_is_not_closed_by_another() {
    let database = Database::new().await;
    let (one, two) = (open(&database, 1).await, open(&database, 2).await);
    let callers = one.direct(&score()).await.unwrap();
    let run = RunId(Uuid::from_u128(7));
    let claim = Claim {
        listener: callers,
        taken: Taken::Direct(run),
        calls: true,
    };
    let claimed = one.claim(vec![claim]).await.unwrap().remove(0).unwrap();
    assert_eq!(two.recover().await.unwrap(), 0);
    let outcome = one.decide(claimed.run, draft("one")).await.unwrap();
    assert!(matches!(outcome, Outcome::Recorded(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_that_is_gone_left_is_ended_by_another_and_it_notices_when_it_wakes() {
    let database = Database::new().await;
    let (gone, two) = (open(&database, 1).await, open(&database, 2).await);
    assert!(gone.take_over(Epoch(1)).await.unwrap());
    let listener = contract::listener(&gone).await;
    let claimed = gone.claim(vec![contract::claim(listener, 0)]).await;
    let message = claimed.unwrap()[0].as_ref().unwrap().run;
    let callers = gone.direct(&score()).await.unwrap();
    let claim = |number| Claim {
        listener: callers,
        taken: Taken::Direct(RunId(Uuid::from_u128(number))),
        calls: true,
    };
    let claimed = gone.claim(vec![claim(7), claim(8)]).await.unwrap();
    let [direct, decided] = [&claimed[0], &claimed[1]].map(|run| run.as_ref().unwrap().run);
    for run in [message, decided] {
        gone.decide(run, draft("one")).await.unwrap();
    }
    assert_eq!(two.take_unpublished(0, 10).await.unwrap(), []);

    let worker = WorkerId(Uuid::from_u128(1));
    assert_eq!(two.others().await.unwrap(), [(worker, Epoch(1))]);
    let cleaned = two.clean_up_after(worker, Epoch(2)).await.unwrap();
    assert_eq!(cleaned, Some(1));
    assert_eq!(two.others().await.unwrap(), []);
    // The message comes again, with its result; the caller of a direct run does not.
    let freed = two.take_unpublished(0, 10).await.unwrap();
    assert_eq!(
        freed.iter().map(|freed| freed.run).collect::<Vec<_>>(),
        [decided]
    );

    let late = gone.decide(direct, draft("late")).await.unwrap_err();
    assert!(matches!(late, JournalError::TakenOver), "{late:?}");
    // Awake, it takes its lease again, and finds what was decided for it.
    assert!(gone.take_over(Epoch(3)).await.unwrap());
    let late = gone.decide(direct, draft("late")).await.unwrap();
    assert!(matches!(late, Outcome::Earlier(_)), "{late:?}");
    assert_eq!(two.others().await.unwrap(), [(worker, Epoch(3))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cleans_up_and_sleeps_meanwhile_does_no_harm() {
    let database = Database::new().await;
    let (back, two) = (open(&database, 1).await, open(&database, 2).await);
    let worker = WorkerId(Uuid::from_u128(1));
    assert!(back.take_over(Epoch(3)).await.unwrap());
    let cleaned = two.clean_up_after(worker, Epoch(2)).await.unwrap();
    assert_eq!(cleaned, None);
    assert_eq!(two.others().await.unwrap(), [(worker, Epoch(3))]);
    assert!(back.recover().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_whose_connections_were_ended_goes_on() {
    let database = Database::new().await;
    let journal = open(&database, 1).await;
    let listener = contract::listener(&journal).await;
    for offset in 0..3 {
        database.end_connections().await;
        let claimed = journal.claim(vec![contract::claim(listener, offset)]).await;
        assert_eq!(claimed.unwrap()[0].as_ref().unwrap().claims, 1);
    }
    assert_eq!(
        journal.ledgers(&[contract::owner()]).await.unwrap()[0].received,
        3
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_database_may_be_opened_by_many_at_once() {
    let database = Database::new().await;
    let opening = (1..9).map(|worker| open(&database, worker));
    let journals = join_all(opening).await;
    let keys = journals.iter().map(contract::listener);
    let keys = join_all(keys).await;
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_has_said_nothing_for_long_may_be_gone_and_is_forgotten_in_the_end() {
    let database = Database::new().await;
    let journal = open(&database, 1).await;
    contract::say_joining(&journal).await;
    let grow_older = async |seconds: u32| {
        let sql = format!(
            "UPDATE journal.consumers SET updated_at = updated_at - {seconds}::bigint * 1000000"
        );
        database.run(&sql).await;
    };
    assert!(!contract::told(&journal).await[0].is_stale);
    grow_older(31).await;
    assert!(contract::told(&journal).await[0].is_stale);
    grow_older(24 * 60 * 60).await;
    journal.prune(Retention::default()).await.unwrap();
    assert_eq!(contract::told(&journal).await, []);
}
