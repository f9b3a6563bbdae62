//! What a table refuses of a batch.

use domain::Position;
use futures_util::future::join_all;

use super::sample::sample;
use crate::port::{AppendError, EventStore, Expected};

/// Of many appends at once, the one to `stream`, which a rule of the tables refuses, fails, and the
/// others do not: those that are committed together are tried one by one.
pub(crate) async fn one_refused(store: &dyn EventStore, stream: &str) {
    let against_the_rule = sample(stream, Expected::NoStream, 3);
    let streams: Vec<_> = (0..20).map(|n| format!("b-{n}")).collect();
    let others = streams
        .iter()
        .map(|stream| store.append(sample(stream, Expected::NoStream, 1)));
    let (refused, others) = tokio::join!(store.append(against_the_rule.clone()), join_all(others));
    assert!(
        matches!(refused, Err(AppendError::Unavailable(_))),
        "{refused:?}"
    );
    for other in others {
        other.unwrap();
    }
    assert_eq!(store.head().await.unwrap(), Position(20));
    assert_eq!(
        store.appended(against_the_rule.command).await.unwrap(),
        None
    );
}
