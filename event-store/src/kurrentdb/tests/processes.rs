//! Several processes, and others who write where they should not.

use std::sync::Arc;

use domain::{CommandId, Position, Revision, StreamName};
use futures_util::future::join_all;
use kurrentdb::{AppendToStreamOptions, Client, EventData};
use uuid::Uuid;

use super::{open, start, subscribed, with_log};
use crate::contract::sample;
use crate::port::{AppendError, EventStore, Expected, MAX_PAYLOAD_BYTES, ReadError};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_that_append_to_one_stream_at_once_one_wins() {
    let server = start().await;
    let stores = [open(&server.url()), open(&server.url())];
    for round in 0..20 {
        let stream = format!("a-{round}");
        let appends = stores
            .iter()
            .map(|store| store.append(sample(&stream, Expected::NoStream, 2)));
        let outcomes = join_all(appends).await;
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, 1, "{outcomes:?}");
        let conflicts = outcomes.iter().filter(|outcome| {
            matches!(outcome, Err(AppendError::Conflict { actual, .. })
                if *actual == Some(Revision(1)))
        });
        assert_eq!(conflicts.count(), 1, "{outcomes:?}");
    }
    let events = stores[0].read_all(Position(0), 200).await.unwrap();
    assert_eq!(events.len(), 40);
}

/// By event ids alone the database would tell both that theirs was done.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_two_processes_send_with_other_contents_is_done_once() {
    let server = start().await;
    let stores = [open(&server.url()), open(&server.url())];
    for round in 1..=20 {
        let one = sample(&format!("a-{round}"), Expected::NoStream, 1);
        let mut other = one.clone();
        other.fingerprint[0] ^= 1;
        if round % 2 == 0 {
            other.stream = StreamName(format!("b-{round}"));
        }
        let (first, second) = tokio::join!(
            stores[0].append(one.clone()),
            stores[1].append(other.clone())
        );
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        let refused = [first, second].into_iter().find_map(Result::err);
        assert!(
            matches!(refused, Some(AppendError::CommandReused(command)) if command == one.command),
            "{refused:?}"
        );
        assert_eq!(stores[1].head().await.unwrap(), Position(round));
    }
}

#[tokio::test]
async fn what_another_process_has_appended_decides_at_once() {
    let server = start().await;
    let (here, there) = (open(&server.url()), open(&server.url()));
    here.append(sample("a-1", Expected::NoStream, 1))
        .await
        .unwrap();
    subscribed(&server, 2).await;
    server.hold_subscriptions();
    let first = sample("a-1", Expected::Exact(Revision(0)), 1);
    let answer = there.append(first.clone()).await.unwrap();
    // A caller that has read there goes on here.
    let second = sample("a-1", Expected::Exact(Revision(1)), 1);
    assert_eq!(here.append(second).await.unwrap().revision, Revision(2));
    assert_eq!(here.append(first.clone()).await.unwrap(), answer);
    let third = sample("a-2", Expected::NoStream, 1);
    let answer = there.append(third.clone()).await.unwrap();
    assert_eq!(
        here.appended(third.command).await.unwrap(),
        Some((answer, third.fingerprint))
    );
    let unknown = CommandId(Uuid::nil());
    let each = [unknown, first.command, third.command];
    let found = here.appended_each(&each).await.unwrap();
    assert!(found[0].is_none() && found[1].is_some() && found[2].is_some());
}

#[tokio::test]
async fn a_log_that_is_only_read_shows_all_and_takes_nothing() {
    let server = start().await;
    let store = open(&server.url());
    store
        .append(sample("a-1", Expected::NoStream, 3))
        .await
        .unwrap();
    let reader = super::KurrentDbEventStore::open_read_only(&server.url()).unwrap();
    assert_eq!(reader.head().await.unwrap(), Position(3));
    let events = reader.read_stored(Position(1), 10).await.unwrap();
    assert_eq!(events, store.read_stored(Position(1), 10).await.unwrap());
    assert_eq!(events.len(), 2);
    let refused = reader.append(sample("a-2", Expected::NoStream, 1)).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))));
}

#[tokio::test]
async fn logs_of_one_database_know_nothing_of_each_other() {
    let server = start().await;
    let (one, other) = (
        open(&with_log(&server.url(), "one")),
        open(&with_log(&server.url(), "other")),
    );
    let append = sample("a-1", Expected::NoStream, 2);
    for store in [&one, &other] {
        assert_eq!(
            store.append(append.clone()).await.unwrap().last,
            Position(2)
        );
    }
    assert_eq!(one.read_all(Position(0), 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_event_that_is_none_of_ours_is_damage_and_nothing_is_appended_after_it() {
    let server = start().await;
    let store = open(&server.url());
    store
        .append(sample("a-1", Expected::NoStream, 2))
        .await
        .unwrap();
    let intruder = Client::new(server.url().parse().unwrap()).unwrap();
    let event = EventData::binary("Intruder", vec![1, 2, 3].into());
    let options = AppendToStreamOptions::default();
    intruder
        .append_to_stream("eventflows", &options, event)
        .await
        .unwrap();
    let store = open(&server.url());
    let stored = store.read_stored(Position(0), 10).await.unwrap();
    assert_eq!(stored.len(), 2);
    for read in [
        store.read_stored(Position(2), 10).await.map(|_| ()),
        store.read_all(Position(0), 10).await.map(|_| ()),
    ] {
        assert!(
            matches!(
                read,
                Err(ReadError::Damaged {
                    position: Position(3),
                    ..
                })
            ),
            "{read:?}"
        );
    }
    let refused = store.append(sample("a-2", Expected::NoStream, 1)).await;
    assert!(
        matches!(refused, Err(AppendError::Unavailable(_))),
        "{refused:?}"
    );
}

/// Older servers take 1 MiB in one append.
#[tokio::test(flavor = "multi_thread")]
async fn large_appends_at_once_are_done_and_one_that_is_too_large_fails_alone() {
    let server = start().await;
    server.limit_appends(MAX_PAYLOAD_BYTES);
    let store = Arc::new(open(&server.url()));
    let append = |stream: String, bytes: usize, events: usize| {
        let mut append = sample(&stream, Expected::NoStream, events);
        for event in &mut append.events {
            event.payload = vec![b'7'; bytes];
        }
        let store = Arc::clone(&store);
        async move { store.append(append).await }
    };
    let fitting = join_all((0..40).map(|n| append(format!("a-{n}"), 100_000, 1)));
    let (fitting, too_large) = tokio::join!(fitting, append("b".to_owned(), MAX_PAYLOAD_BYTES, 2));
    for outcome in fitting {
        outcome.unwrap();
    }
    assert!(
        matches!(too_large, Err(AppendError::Unavailable(_))),
        "{too_large:?}"
    );
    assert_eq!(server.events(), 40);
}
