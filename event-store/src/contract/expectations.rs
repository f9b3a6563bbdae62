//! Expected revisions, and all or nothing.

use domain::{Position, Revision};
use futures_util::future::join_all;

use super::sample::{append_at_end, last_revision, sample, sample_event};
use super::{Claim, Log};
use crate::port::{AppendError, Appended, Expected, MAX_PAYLOAD_BYTES};

pub(super) fn claims() -> Vec<Claim> {
    vec![
        ("positions count from 1 and revisions from 0", |log| {
            Box::pin(counting(log))
        }),
        ("a wrong expected revision conflicts", |log| {
            Box::pin(wrong_revision(log))
        }),
        ("NoStream conflicts on a stream that exists", |log| {
            Box::pin(no_stream(log))
        }),
        ("several events are appended all or not at all", |log| {
            Box::pin(all_or_nothing(log))
        }),
        ("an append without events is refused", |log| {
            Box::pin(empty(log))
        }),
        ("a payload of 1 MiB is taken, one byte more is not", |log| {
            Box::pin(payload_limit(log))
        }),
        (
            "of concurrent appends to one revision exactly one wins",
            |log| Box::pin(one_winner(log)),
        ),
        ("appends that conflict leave the others alone", |log| {
            Box::pin(conflicts_stay_alone(log))
        }),
    ]
}

async fn counting(log: Log) {
    let store = log().await;
    assert_eq!(store.head().await.unwrap(), Position(0));
    let first = store.append(sample("a-1", Expected::NoStream, 1)).await;
    let second = store.append(sample("a-2", Expected::NoStream, 3)).await;
    let third = store
        .append(sample("a-1", Expected::Exact(Revision(0)), 2))
        .await;
    assert_eq!(first.unwrap(), at(1, 1, 0));
    assert_eq!(second.unwrap(), at(2, 4, 2));
    assert_eq!(third.unwrap(), at(5, 6, 2));
    assert_eq!(store.head().await.unwrap(), Position(6));
}

async fn wrong_revision(log: Log) {
    let store = log().await;
    store
        .append(sample("a-1", Expected::NoStream, 2))
        .await
        .unwrap();
    for wrong in [0, 2, u64::MAX] {
        let refused = store
            .append(sample("a-1", Expected::Exact(Revision(wrong)), 1))
            .await;
        assert_conflict(refused, Some(Revision(1)));
    }
    let refused = store
        .append(sample("a-2", Expected::Exact(Revision(0)), 1))
        .await;
    assert_conflict(refused, None);
    assert_eq!(store.head().await.unwrap(), Position(2));
}

async fn no_stream(log: Log) {
    let store = log().await;
    store
        .append(sample("a-1", Expected::NoStream, 1))
        .await
        .unwrap();
    let refused = store.append(sample("a-1", Expected::NoStream, 1)).await;
    assert_conflict(refused, Some(Revision(0)));
    assert_eq!(store.head().await.unwrap(), Position(1));
}

async fn all_or_nothing(log: Log) {
    let store = log().await;
    store
        .append(sample("a-1", Expected::NoStream, 3))
        .await
        .unwrap();
    let mut append = sample("a-1", Expected::Exact(Revision(2)), 2);
    let large = vec![b' '; MAX_PAYLOAD_BYTES + 1];
    append.events.push(sample_event(append.command, 2, large));
    store.append(append).await.unwrap_err();
    let stale = sample("a-1", Expected::Exact(Revision(1)), 3);
    store.append(stale).await.unwrap_err();
    assert_eq!(store.head().await.unwrap(), Position(3));
    assert_eq!(last_revision(&*store, "a-1").await, Some(Revision(2)));
}

async fn empty(log: Log) {
    let store = log().await;
    let refused = store.append(sample("a-1", Expected::NoStream, 0)).await;
    assert!(matches!(refused, Err(AppendError::Empty)), "{refused:?}");
}

async fn payload_limit(log: Log) {
    let store = log().await;
    let mut append = sample("a-1", Expected::NoStream, 0);
    let payload = vec![b'7'; MAX_PAYLOAD_BYTES];
    append.events = vec![sample_event(append.command, 0, payload.clone())];
    store.append(append.clone()).await.unwrap();
    let stored = store
        .read_stream(&append.stream, Revision(0), 1)
        .await
        .unwrap();
    assert!(stored[0].payload == payload, "other bytes came back");

    let mut append = sample("a-2", Expected::NoStream, 1);
    append.events[0].payload = vec![b'7'; MAX_PAYLOAD_BYTES + 1];
    let refused = store.append(append).await;
    assert!(
        matches!(
            refused,
            Err(AppendError::PayloadTooLarge { type_name: "SampleTaken", bytes })
                if bytes == MAX_PAYLOAD_BYTES + 1
        ),
        "{refused:?}"
    );
}

async fn one_winner(log: Log) {
    let store = log().await;
    for revision in 0..20 {
        let expected = match revision {
            0 => Expected::NoStream,
            next => Expected::Exact(Revision(next - 1)),
        };
        let racers = (0..16).map(|_| store.append(sample("a-1", expected, 1)));
        let mut winners = 0;
        for outcome in join_all(racers).await {
            match outcome {
                Ok(appended) => {
                    winners += 1;
                    assert_eq!(appended.revision, Revision(revision));
                }
                refused => assert_conflict(refused, Some(Revision(revision))),
            }
        }
        assert_eq!(winners, 1, "at revision {revision}");
    }
}

async fn conflicts_stay_alone(log: Log) {
    let store = log().await;
    append_at_end(&*store, "a-taken").await;
    let streams: Vec<_> = (0..40).map(|n| format!("a-{n}")).collect();
    let appends = streams.iter().flat_map(|stream| {
        [stream, "a-taken"].map(|stream| store.append(sample(stream, Expected::NoStream, 1)))
    });
    let outcomes = join_all(appends).await;
    for pair in outcomes.chunks(2) {
        assert!(pair[0].is_ok(), "{pair:?}");
        assert!(pair[1].is_err(), "{pair:?}");
    }
    assert_eq!(store.head().await.unwrap(), Position(41));
}

fn at(first: u64, last: u64, revision: u64) -> Appended {
    Appended {
        first: Position(first),
        last: Position(last),
        revision: Revision(revision),
    }
}

fn assert_conflict(outcome: Result<Appended, AppendError>, expected: Option<Revision>) {
    match outcome {
        Err(AppendError::Conflict { actual, .. }) => assert_eq!(actual, expected),
        other => panic!("not a conflict: {other:?}"),
    }
}
