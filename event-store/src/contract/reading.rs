//! What comes back is what was appended.

use domain::{
    Actor, CorrelationId, Envelope, EventId, Meta, Position, Revision, StreamName, WorkerId,
};
use futures_util::future::join_all;
use uuid::Uuid;

use super::sample::{append_at_end, sample};
use super::{Claim, Log};
use crate::port::{Append, Appended, Expected};

pub(super) fn claims() -> Vec<Claim> {
    vec![
        ("an event comes back whole", |log| Box::pin(whole(log))),
        ("payload bytes come back exactly", |log| {
            Box::pin(exact_bytes(log))
        }),
        ("a stream is named by any Unicode", |log| {
            Box::pin(any_name(log))
        }),
        ("a stream is read in pages", |log| {
            Box::pin(stream_pages(log))
        }),
        ("a long stream is read whole, beside many others", |log| {
            Box::pin(long_streams(log))
        }),
        ("the log is read in pages", |log| Box::pin(log_pages(log))),
        ("an event is found by its id", |log| Box::pin(found(log))),
        ("events are read at chosen positions", |log| {
            Box::pin(chosen(log))
        }),
    ]
}

async fn found(log: Log) {
    let store = log().await;
    append_at_end(&*store, "a-0").await;
    let append = sample("a-1", Expected::NoStream, 3);
    store.append(append.clone()).await.unwrap();
    for (position, event) in (2..).zip(&append.events) {
        let found = store.find(event.id).await.unwrap();
        assert_eq!(found, Some(Position(position)));
    }
    let unknown = EventId(Uuid::nil());
    assert_eq!(store.find(unknown).await.unwrap(), None);
}

async fn chosen(log: Log) {
    let store = log().await;
    store
        .append(sample("a-1", Expected::NoStream, 5))
        .await
        .unwrap();
    let all = store.read_all(Position(0), 10).await.unwrap();
    let asked = [7, 5, 2, 0, 3, 2].map(Position);
    let found = store.read_at(&asked).await.unwrap();
    assert_eq!(found, [1, 2, 4].map(|number: usize| all[number].clone()));
    assert_eq!(store.read_at(&[]).await.unwrap(), []);
}

async fn whole(log: Log) {
    let store = log().await;
    append_at_end(&*store, "a-0").await;
    let mut append = sample("a-1", Expected::NoStream, 2);
    append.meta = Meta {
        actor: Actor::Worker {
            id: WorkerId(Uuid::from_u128(1)),
        },
        correlation: CorrelationId(Uuid::from_u128(2)),
        causation: Uuid::from_u128(3),
        client_address: Some("\u{0}\"2001:db8::1\" \\u0041 'ж".to_owned()),
    };
    append.events[1].type_name = "SampleReturned";
    append.events[1].schema_version = u32::MAX;
    let appended = store.append(append.clone()).await.unwrap();

    let stored = store.read_all(Position(1), 10).await.unwrap();
    assert_whole(&append, appended, &stored);
    let in_stream = store
        .read_stream(&append.stream, Revision(0), 10)
        .await
        .unwrap();
    assert_eq!(in_stream, stored);
}

async fn exact_bytes(log: Log) {
    let store = log().await;
    let payloads = [
        r#"{ "b":1.0,"a":1e2,  "a":"\u0041\/" }"#,
        "\n[\t1 ]\r\n",
        r#""🦀 \ud83e\udd80 'é' é""#,
        "12345678901234567890123456789.000",
        "null",
    ];
    let mut append = sample("a-1", Expected::NoStream, payloads.len());
    for (event, payload) in append.events.iter_mut().zip(payloads) {
        event.payload = payload.into();
    }
    let appended = store.append(append.clone()).await.unwrap();
    let stored = store.read_all(Position(0), 10).await.unwrap();
    assert_whole(&append, appended, &stored);
}

async fn any_name(log: Log) {
    let store = log().await;
    // Composed and decomposed, other case, padded: each a name of its own.
    let names = [
        "café",
        "cafe\u{301}",
        "CAFÉ",
        "café ",
        "",
        "%",
        "'; --",
        "\"\\/",
        "a\nb\tc",
        "日本語",
        "🦀",
        "\u{10ffff}",
        "\u{feff}x",
        "x\u{202e}y",
        "123",
        "null",
    ];
    for name in names {
        store
            .append(sample(name, Expected::NoStream, 1))
            .await
            .unwrap();
    }
    for (position, name) in (1..).zip(names) {
        let stream = StreamName(name.to_owned());
        let stored = store.read_stream(&stream, Revision(0), 10).await.unwrap();
        assert_eq!(stored.len(), 1, "{name:?}");
        assert_eq!(stored[0].stream, stream);
        assert_eq!(stored[0].position, Position(position));
    }
}

async fn stream_pages(log: Log) {
    let store = log().await;
    for _ in 0..7 {
        append_at_end(&*store, "a-1").await;
        append_at_end(&*store, "a-2").await;
    }
    let stream = StreamName("a-1".to_owned());
    for (from, limit, revisions) in [
        (0, 3, 0..3),
        (3, 3, 3..6),
        (6, 3, 6..7),
        (7, 3, 0..0),
        (u64::MAX, 3, 0..0),
        (0, 0, 0..0),
        (2, usize::MAX, 2..7),
    ] {
        let page = store
            .read_stream(&stream, Revision(from), limit)
            .await
            .unwrap();
        let found: Vec<_> = page.iter().map(|event| event.revision.0).collect();
        assert_eq!(found, Vec::from_iter(revisions), "from {from}");
        assert!(page.iter().all(|event| event.stream == stream));
    }
    let absent = StreamName("a-3".to_owned());
    let page = store.read_stream(&absent, Revision(0), 10).await.unwrap();
    assert!(page.is_empty());
}

async fn long_streams(log: Log) {
    let store = log().await;
    store
        .append(sample("a-long", Expected::NoStream, 40))
        .await
        .unwrap();
    let names: Vec<_> = (0..50).map(|n| format!("a-{n}")).collect();
    for name in &names {
        append_at_end(&*store, name).await;
    }
    let stream = |name: &str| StreamName(name.to_owned());
    let long = stream("a-long");
    for (from, limit) in [
        (0, 100),
        (0, 1),
        (0, 16),
        (0, 17),
        (10, 20),
        (24, 16),
        (39, 5),
    ] {
        // Beside many others, and one that is not there.
        let others = names.iter().map(String::as_str).chain(["a-absent"]);
        let others: Vec<_> = others.map(stream).collect();
        let reads = others
            .iter()
            .map(|other| store.read_stream(other, Revision(0), 10));
        let long = store.read_stream(&long, Revision(from), limit);
        let (others, long) = tokio::join!(join_all(reads), long);
        let revisions = long.unwrap().into_iter().map(|event| event.revision.0);
        let expected = from..40.min(from + limit as u64);
        assert!(revisions.eq(expected), "{limit} from {from}");
        for (name, events) in names.iter().zip(&others) {
            let events = events.as_ref().unwrap();
            assert_eq!(events.len(), 1, "{name}");
            assert_eq!(events[0].stream.as_str(), name);
        }
        assert_eq!(others[names.len()].as_ref().unwrap().len(), 0);
    }
}

async fn log_pages(log: Log) {
    let store = log().await;
    for _ in 0..7 {
        append_at_end(&*store, "a-1").await;
    }
    for (after, limit, positions) in [
        (0, 3, 1..4),
        (3, 3, 4..7),
        (6, 3, 7..8),
        (7, 3, 0..0),
        (u64::MAX, 3, 0..0),
        (0, 0, 0..0),
        (2, usize::MAX, 3..8),
    ] {
        let page = store.read_all(Position(after), limit).await.unwrap();
        let found: Vec<_> = page.iter().map(|event| event.position.0).collect();
        assert_eq!(found, Vec::from_iter(positions), "after {after}");
    }
}

/// `stored` is exactly what `append` appended, answered by `appended`.
fn assert_whole(append: &Append, appended: Appended, stored: &[Envelope]) {
    assert_eq!(stored.len(), append.events.len());
    let revision = appended.revision.0 + 1 - append.events.len() as u64;
    for (index, (event, stored)) in (0..).zip(append.events.iter().zip(stored)) {
        let micros = stored.recorded_at.as_microsecond();
        let expected = Envelope {
            id: event.id,
            stream: append.stream.clone(),
            revision: Revision(revision + index),
            position: Position(appended.first.0 + index),
            type_name: event.type_name.to_owned(),
            schema_version: event.schema_version,
            recorded_at: jiff::Timestamp::from_microsecond(micros).unwrap(),
            command: append.command,
            meta: append.meta.clone(),
            payload: event.payload.clone(),
        };
        assert_eq!(*stored, expected);
    }
}
