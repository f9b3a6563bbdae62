//! The same command appends once and answers the same ever after.

use domain::{CommandId, Position, Revision, StreamName};
use futures_util::future::join_all;
use uuid::Uuid;

use super::sample::{append_at_end, sample};
use super::{Claim, Log};
use crate::port::{AppendError, Expected};

pub(super) fn claims() -> Vec<Claim> {
    vec![
        ("a command appends once and answers the same again", |log| {
            Box::pin(once(log))
        }),
        ("a command is remembered by a log opened again", |log| {
            Box::pin(remembered(log))
        }),
        ("a command sent many times at once appends once", |log| {
            Box::pin(at_once(log))
        }),
        ("a command with another content is refused", |log| {
            Box::pin(other_content(log))
        }),
        (
            "a command is the same whatever stream it is sent to",
            |log| Box::pin(other_stream(log)),
        ),
        ("several commands are answered in their order", |log| {
            Box::pin(each(log))
        }),
        ("a refused command may be sent again", |log| {
            Box::pin(refused_then_sent_again(log))
        }),
    ]
}

async fn once(log: Log) {
    let store = log().await;
    let append = sample("a-1", Expected::NoStream, 2);
    let answer = store.append(append.clone()).await.unwrap();
    append_at_end(&*store, "a-1").await;
    // The stream has moved on since; the answer has not.
    assert_eq!(store.append(append.clone()).await.unwrap(), answer);
    assert_eq!(store.head().await.unwrap(), Position(3));
    assert_eq!(
        store.appended(append.command).await.unwrap(),
        Some((answer, append.fingerprint))
    );
    let unknown = CommandId(Uuid::nil());
    assert_eq!(store.appended(unknown).await.unwrap(), None);
}

async fn remembered(log: Log) {
    let store = log().await;
    let append = sample("a-1", Expected::NoStream, 2);
    let answer = store.append(append.clone()).await.unwrap();
    drop(store);
    let reopened = log().await;
    assert_eq!(reopened.append(append.clone()).await.unwrap(), answer);
    assert_eq!(reopened.head().await.unwrap(), Position(2));
}

async fn at_once(log: Log) {
    let handles = [log().await, log().await];
    for round in 1..=20 {
        let append = sample(&format!("a-{round}"), Expected::NoStream, 1);
        let sent = (0..8).map(|n| handles[n % 2].append(append.clone()));
        for answer in join_all(sent).await {
            assert_eq!(answer.unwrap().last, Position(round));
        }
        assert_eq!(handles[0].head().await.unwrap(), Position(round));
    }
}

async fn other_content(log: Log) {
    let store = log().await;
    let append = sample("a-1", Expected::NoStream, 1);
    let mut other = append.clone();
    other.fingerprint[31] ^= 1;
    let (first, second) = tokio::join!(store.append(append.clone()), store.append(other.clone()));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    let refused = [first, second].into_iter().find_map(Result::err);
    assert!(
        matches!(refused, Some(AppendError::CommandReused(command)) if command == append.command),
        "{refused:?}"
    );
    assert_eq!(store.head().await.unwrap(), Position(1));
}

async fn other_stream(log: Log) {
    let store = log().await;
    let append = sample("command-1", Expected::NoStream, 1);
    let mut other = append.clone();
    other.stream = StreamName("a-1".to_owned());
    let sent = [append.clone(), other.clone(), append, other];
    for answer in join_all(sent.map(|append| store.append(append))).await {
        assert_eq!(answer.unwrap().last, Position(1));
    }
    assert_eq!(store.head().await.unwrap(), Position(1));
}

async fn each(log: Log) {
    let store = log().await;
    let appends = [
        sample("a-1", Expected::NoStream, 2),
        sample("a-2", Expected::NoStream, 1),
    ];
    let mut answers = Vec::new();
    for append in &appends {
        let appended = store.append(append.clone()).await.unwrap();
        answers.push(Some((appended, append.fingerprint)));
    }
    let [first, second] = appends.map(|append| append.command);
    let unknown = CommandId(Uuid::nil());
    let asked = [second, unknown, first, second];
    let found = store.appended_each(&asked).await.unwrap();
    assert_eq!(found, [answers[1], None, answers[0], answers[1]]);
    assert_eq!(store.appended_each(&[]).await.unwrap(), []);
}

async fn refused_then_sent_again(log: Log) {
    let store = log().await;
    append_at_end(&*store, "a-1").await;
    let mut append = sample("a-1", Expected::NoStream, 1);
    store.append(append.clone()).await.unwrap_err();
    assert_eq!(store.appended(append.command).await.unwrap(), None);
    append.expected = Expected::Exact(Revision(0));
    let appended = store.append(append).await.unwrap();
    assert_eq!(appended.last, Position(2));
}
