//! Servers that go, stay away, fall silent, or end their answers in the middle.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::{Position, Revision};
use futures_util::future::join_all;
use kurrentdb_stand_in::StandIn;
use tokio::time::{sleep, timeout};

use super::{PATIENCE, expect, open, start, subscribed};
use crate::contract::sample;
use crate::port::{AppendError, EventStore, Expected, ReadError};

const WRITERS: usize = 8;
const EACH: usize = 50;

/// A client that was refused its first connection stays closed for ever.
#[tokio::test]
async fn a_server_that_is_absent_at_first_is_waited_for() {
    let mut server = start().await;
    server.stop().await;
    let store = open(&server.url());
    let mut follower = store.follow(Position(0));
    let append = sample("a-1", Expected::NoStream, 1);
    let absent = store.append(append.clone()).await;
    assert!(
        matches!(absent, Err(AppendError::Unavailable(_))),
        "{absent:?}"
    );
    assert!(matches!(store.head().await, Err(ReadError::Unavailable(_))));
    server.start_again().await.unwrap();
    append_until_answered(&store, "a-2").await;
    expect(&mut follower, 1).await;
    assert_eq!(store.append(append).await.unwrap().last, Position(2));
    expect(&mut follower, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_and_followers_outlive_broken_connections_without_a_gap() {
    let server = start().await;
    under_load(&server.url(), async |position| {
        if position % 100 == 50 {
            server.break_connections();
        }
    })
    .await;
    assert_eq!(server.events(), WRITERS * EACH);
}

/// A client asks a subscription that was ended cleanly for ever.
#[tokio::test(flavor = "multi_thread")]
async fn appends_and_followers_outlive_streams_that_end_without_an_error() {
    let server = start().await;
    under_load(&server.url(), async |position| {
        if position % 200 == 100 {
            server.end_streams();
        }
    })
    .await;
    assert_eq!(server.events(), WRITERS * EACH);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_restarted_under_load_loses_and_repeats_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("events");
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut server = StandIn::start_on(any_port, Some(file)).await.unwrap();
    let url = server.url();
    under_load(&url, async |position| {
        if position % 150 == 75 {
            server.stop().await;
            server.start_again().await.unwrap();
        }
    })
    .await;
    assert_eq!(server.events(), WRITERS * EACH);
    let reopened = open(&url);
    let events = reopened.read_all(Position(0), usize::MAX).await.unwrap();
    assert_eq!(events.len(), WRITERS * EACH);
}

#[tokio::test]
async fn an_append_whose_answer_was_lost_is_answered_from_the_log() {
    let server = start().await;
    let store = open(&server.url());
    for position in 1..=5 {
        server.lose_next_answer();
        let append = sample(&format!("a-{position}"), Expected::NoStream, 1);
        let answer = store.append(append.clone()).await.unwrap();
        assert_eq!(answer.last, Position(position));
        assert_eq!(store.append(append).await.unwrap(), answer);
    }
    assert_eq!(server.events(), 5);
}

#[tokio::test]
async fn a_server_that_has_fallen_silent_fails_appends_and_works_afterwards() {
    let server = start().await;
    let store = open(&server.url());
    append_until_answered(&store, "a-1").await;
    server.fall_silent(true);
    let append = sample("a-2", Expected::NoStream, 1);
    let silent = timeout(PATIENCE, store.append(append.clone())).await;
    let silent = silent.expect("an answer in time");
    assert!(
        matches!(silent, Err(AppendError::Unavailable(_))),
        "{silent:?}"
    );
    server.fall_silent(false);
    assert_eq!(store.append(append).await.unwrap().revision, Revision(0));
    assert_eq!(server.events(), 2);
}

#[tokio::test]
async fn an_answer_that_is_cut_is_not_taken_for_the_end_of_the_log() {
    let server = start().await;
    let store = open(&server.url());
    store
        .append(sample("a-1", Expected::NoStream, 4))
        .await
        .unwrap();
    server.cut_next_read();
    let cut = store.read_all(Position(0), 10).await;
    assert!(matches!(cut, Err(ReadError::Unavailable(_))), "{cut:?}");
    assert_eq!(store.read_all(Position(0), 10).await.unwrap().len(), 4);
}

/// The client asks a subscription that was ended cleanly for ever, on a whole core. A feed that did
/// so would never subscribe again.
#[tokio::test]
async fn a_feed_that_is_ended_without_an_error_begins_again() {
    let server = start().await;
    let (here, there) = (open(&server.url()), open(&server.url()));
    let mut follower = here.follow(Position(0));
    for round in 1..=3 {
        append_until_answered(&there, &format!("a-{round}")).await;
        expect(&mut follower, round).await;
        // Both stores have a feed.
        subscribed(&server, 2 * round).await;
        server.end_streams();
    }
    subscribed(&server, 8).await;
}

#[tokio::test]
async fn a_feed_that_has_stopped_bringing_events_is_noticed_and_begins_again() {
    let server = start().await;
    let (here, there) = (open(&server.url()), open(&server.url()));
    let mut follower = here.follow(Position(0));
    append_until_answered(&there, "a-1").await;
    expect(&mut follower, 1).await;
    subscribed(&server, 2).await;
    server.hold_subscriptions();
    // Held, the follower looks itself, now and then, until it is clear that its feed is stuck.
    let brought = async {
        for position in 2.. {
            append_until_answered(&there, &format!("a-{position}")).await;
            expect(&mut follower, position).await;
            if server.latest_fed() > 2 {
                break;
            }
        }
    };
    timeout(PATIENCE, brought)
        .await
        .expect("another subscription brings events");
}

/// Two processes append and follow, and `disturb` is called with every position that one of them
/// has seen.
async fn under_load(url: &str, mut disturb: impl AsyncFnMut(u64)) {
    let stores = [open(url), open(url)].map(Arc::new);
    let mut follower = stores[0].follow(Position(0));
    let mut other = stores[1].follow(Position(0));
    let writers = (0..WRITERS).map(|writer| {
        let store = Arc::clone(&stores[writer % 2]);
        tokio::spawn(async move {
            for n in 0..EACH {
                append_until_answered(&*store, &format!("a-{writer}-{n}")).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let total = (WRITERS * EACH) as u64;
    for position in 1..=total {
        expect(&mut follower, position).await;
        disturb(position).await;
    }
    for position in 1..=total {
        expect(&mut other, position).await;
    }
    for written in join_all(writers).await {
        written.unwrap();
    }
    assert_eq!(stores[1].head().await.unwrap(), Position(total));
}

/// Asks again by the same command id, as a caller does who got no answer.
async fn append_until_answered(store: &dyn EventStore, stream: &str) {
    let append = sample(stream, Expected::NoStream, 1);
    let answered = async {
        while let Err(error) = store.append(append.clone()).await {
            assert!(matches!(error, AppendError::Unavailable(_)), "{error:?}");
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, answered).await.unwrap();
}
