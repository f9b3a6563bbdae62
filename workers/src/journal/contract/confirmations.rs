//! How far workers have come.

use domain::worker::{Confirmations, Confirmed};
use domain::{Position, WorkerId};
use uuid::Uuid;

use super::{Opener, claims};
use crate::journal::Journal;

claims![
    nobody_is_waited_for_where_nobody_works,
    a_worker_is_waited_for_until_it_has_come_so_far,
    a_worker_that_applied_it_is_waited_for_until_what_it_had_begun_has_ended,
    a_worker_that_left_is_not_waited_for,
    a_worker_that_begins_behind_has_no_lease,
    what_is_required_only_rises_and_outlives_a_restart,
];

const ONE: WorkerId = WorkerId(Uuid::from_u128(1));
const OTHER: WorkerId = WorkerId(Uuid::from_u128(2));

async fn confirm(journal: &Journal, worker: WorkerId, applied: u64, ended: u64) -> Position {
    let confirmed = Confirmed {
        applied: Position(applied),
        ended: Position(ended),
    };
    journal.confirm(worker, confirmed).await.unwrap()
}

async fn unconfirmed(journal: &Journal, position: u64) -> Vec<WorkerId> {
    journal.unconfirmed(Position(position)).await.unwrap()
}

async fn nobody_is_waited_for_where_nobody_works(open: Opener) {
    let journal = open().await;
    journal.require(Position(7)).await.unwrap();
    assert_eq!(unconfirmed(&journal, 7).await, []);
}

async fn a_worker_is_waited_for_until_it_has_come_so_far(open: Opener) {
    let journal = open().await;
    assert_eq!(confirm(&journal, ONE, 5, 5).await, Position(0));
    confirm(&journal, OTHER, 9, 9).await;
    journal.require(Position(7)).await.unwrap();
    assert_eq!(unconfirmed(&journal, 7).await, [ONE]);
    assert_eq!(confirm(&journal, ONE, 6, 6).await, Position(7));
    assert_eq!(unconfirmed(&journal, 7).await, [ONE]);
    confirm(&journal, ONE, 7, 7).await;
    assert_eq!(unconfirmed(&journal, 7).await, []);
    // Others may wait for more than what was required last.
    assert_eq!(unconfirmed(&journal, 8).await, [ONE]);
}

async fn a_worker_that_applied_it_is_waited_for_until_what_it_had_begun_has_ended(open: Opener) {
    let journal = open().await;
    journal.require(Position(7)).await.unwrap();
    assert_eq!(confirm(&journal, ONE, 7, 6).await, Position(7));
    assert_eq!(unconfirmed(&journal, 7).await, [ONE]);
    confirm(&journal, ONE, 7, 7).await;
    assert_eq!(unconfirmed(&journal, 7).await, []);
}

async fn a_worker_that_left_is_not_waited_for(open: Opener) {
    let journal = open().await;
    confirm(&journal, ONE, 5, 5).await;
    confirm(&journal, OTHER, 5, 5).await;
    journal.leave(ONE).await.unwrap();
    assert_eq!(unconfirmed(&journal, 7).await, [OTHER]);
}

async fn a_worker_that_begins_behind_has_no_lease(open: Opener) {
    let journal = open().await;
    journal.require(Position(7)).await.unwrap();
    assert_eq!(confirm(&journal, ONE, 5, 5).await, Position(7));
    assert_eq!(unconfirmed(&journal, 7).await, []);
}

async fn what_is_required_only_rises_and_outlives_a_restart(open: Opener) {
    let journal = open().await;
    for position in [7, 3] {
        journal.require(Position(position)).await.unwrap();
    }
    drop(journal);
    assert_eq!(confirm(&open().await, ONE, 9, 9).await, Position(7));
}
