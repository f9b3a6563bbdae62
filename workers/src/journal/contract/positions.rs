//! Positions, and lives of topics.

use brokers::{Cause, Positions, Standing};
use domain::Position;
use domain::testing::listener_id;

use super::sample::{
    advance, begin, begin_since, claim, fingerprint, finish, fresh, group, message, owner, take,
    take_if_any,
};
use super::{Opener, claims};

claims![
    a_message_in_the_place_of_another_is_another_run,
    the_same_message_of_a_topic_that_was_created_again_is_another_run,
    positions_outlive_the_process_and_never_go_back_by_themselves,
    messages_that_were_deleted_before_they_were_read_are_counted_once,
    what_is_read_again_after_a_reset_is_another_run_each_reset_once,
    who_has_not_heard_of_a_reset_moves_nothing,
    a_partition_that_a_reset_leaves_alone_keeps_its_runs,
];

async fn a_message_in_the_place_of_another_is_another_run(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    begin(&journal, listener, 0, Cause::First).await;
    let mut old = Vec::new();
    for offset in 0..4 {
        old.push(finish(&journal, message(listener, offset, "old")).await);
    }
    // The log lost its end, and goes on with other messages.
    let new = finish(&journal, message(listener, 2, "new")).await;
    assert_eq!(new.claims, 1);
    assert_ne!(new.run_id, old[2].run_id);
    drop(journal);

    let journal = open().await;
    for (offset, body, expected) in [(1, "old", &old[1]), (2, "new", &new)] {
        let again = take(&journal, message(listener, offset, body))
            .await
            .unwrap();
        assert_eq!((again.run, again.run_id), (expected.run, expected.run_id));
        assert!(again.decision.is_some());
    }
    let other = take(&journal, message(listener, 3, "newer")).await.unwrap();
    assert!(other.decision.is_none());
    let ledger = journal.ledgers(&[owner()]).await.unwrap().remove(0);
    assert_eq!((ledger.received, ledger.succeeded), (6, 5));
}

async fn the_same_message_of_a_topic_that_was_created_again_is_another_run(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    assert_eq!(begin(&journal, listener, 0, Cause::First).await, 0);
    let old = finish(&journal, claim(listener, 0)).await;
    assert_eq!(begin(&journal, listener, 0, Cause::Recreated).await, 1);
    let new = take(&journal, claim(listener, 0)).await.unwrap();
    assert_eq!((new.claims, new.decision), (1, None));
    assert_ne!(new.run_id, old.run_id);
}

async fn positions_outlive_the_process_and_never_go_back_by_themselves(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    assert_eq!(journal.positions(listener, None).load().await.unwrap(), []);
    begin(&journal, listener, 3, Cause::First).await;
    for offset in [3, 4, 6] {
        finish(&journal, message(listener, offset, &offset.to_string())).await;
    }
    for next in [7, 5] {
        advance(&journal, listener, next).await;
    }
    let standing = Standing {
        partition: 0,
        incarnation: 0,
        next: 7,
        reset: 0,
        last: Some((6, fingerprint("6"))),
    };
    assert_eq!(
        journal.positions(listener, None).load().await.unwrap(),
        [standing]
    );
    drop(journal);

    let journal = open().await;
    let listener = journal
        .listener(group(), &listener_id("orders"))
        .await
        .unwrap();
    assert_eq!(
        journal.positions(listener, None).load().await.unwrap(),
        [standing]
    );
    begin(&journal, listener, 5, Cause::Truncated { lost: 2 }).await;
    let truncated = Standing {
        next: 5,
        last: Some((4, fingerprint("4"))),
        ..standing
    };
    assert_eq!(
        journal.positions(listener, None).load().await.unwrap(),
        [truncated]
    );
}

async fn messages_that_were_deleted_before_they_were_read_are_counted_once(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    begin(&journal, listener, 0, Cause::First).await;
    finish(&journal, claim(listener, 0)).await;
    advance(&journal, listener, 1).await;
    // Another worker finds the same gap.
    for _ in 0..2 {
        begin(&journal, listener, 41, Cause::Gap { lost: 40 }).await;
    }
    begin(&journal, listener, 44, Cause::Gap { lost: 3 }).await;
    begin(&journal, listener, 44, Cause::GoesOn).await;
    let ledger = journal.ledgers(&[owner()]).await.unwrap().remove(0);
    assert_eq!((ledger.missed, ledger.received), (43, 1));
}

async fn what_is_read_again_after_a_reset_is_another_run_each_reset_once(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    begin(&journal, listener, 0, Cause::First).await;
    let old = finish(&journal, claim(listener, 0)).await;
    advance(&journal, listener, 1).await;
    let first = Some(Position(9));
    let loaded = journal.positions(listener, first).load().await.unwrap();
    assert_eq!((loaded[0].next, loaded[0].reset), (1, 0));
    let begun = begin_since(&journal, listener, first, 0, Cause::Reset).await;
    assert_eq!(begun.unwrap(), 1);
    // Another worker has found the beginning, too.
    let begun = begin_since(&journal, listener, first, 0, Cause::Reset).await;
    assert_eq!(begun.unwrap(), 1);
    let new = finish(&journal, claim(listener, 0)).await;
    assert_eq!(new.claims, 1);
    assert_ne!(new.run_id, old.run_id);
    drop(journal);

    let journal = open().await;
    let loaded = journal.positions(listener, first).load().await.unwrap();
    assert_eq!((loaded[0].incarnation, loaded[0].reset), (1, 9));
    let again = take(&journal, claim(listener, 0)).await.unwrap();
    assert_eq!((again.run_id, again.decision.is_some()), (new.run_id, true));
    let second = Some(Position(11));
    let begun = begin_since(&journal, listener, second, 0, Cause::Reset).await;
    assert_eq!(begun.unwrap(), 2);
    let newest = take(&journal, claim(listener, 0)).await.unwrap();
    assert!(![old.run_id, new.run_id].contains(&newest.run_id));
    let ledger = journal.ledgers(&[owner()]).await.unwrap().remove(0);
    assert_eq!((ledger.received, ledger.succeeded), (3, 2));
}

async fn who_has_not_heard_of_a_reset_moves_nothing(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    begin(&journal, listener, 0, Cause::First).await;
    let reset = Some(Position(9));
    let begun = begin_since(&journal, listener, reset, 2, Cause::Reset).await;
    assert_eq!(begun.unwrap(), 1);
    advance(&journal, listener, 7).await;
    for cause in [Cause::GoesOn, Cause::First, Cause::Recreated] {
        let begun = begin_since(&journal, listener, None, 5, cause).await;
        assert!(begun.is_err(), "{cause:?}");
    }
    let loaded = journal.positions(listener, reset).load().await.unwrap();
    assert_eq!((loaded[0].incarnation, loaded[0].next), (1, 2));
    let told = journal
        .positions(listener, reset)
        .advance(vec![(0, 4)])
        .await;
    told.unwrap();
    let ended = take_if_any(&journal, claim(listener, 3)).await.unwrap();
    assert!(ended.is_none());
}

async fn a_partition_that_a_reset_leaves_alone_keeps_its_runs(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    begin(&journal, listener, 0, Cause::First).await;
    let before = finish(&journal, claim(listener, 1)).await;
    let reset = Some(Position(9));
    let begun = begin_since(&journal, listener, reset, 1, Cause::GoesOn).await;
    assert_eq!(begun.unwrap(), 0);
    let again = take(&journal, claim(listener, 1)).await.unwrap();
    assert_eq!(again.run_id, before.run_id);
    let loaded = journal.positions(listener, reset).load().await.unwrap();
    assert_eq!((loaded[0].next, loaded[0].reset), (1, 9));
}
