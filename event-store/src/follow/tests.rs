//! What a follower does when the log fails it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::testing::{meta, user};
use domain::{CommandId, Envelope, EventId, Position, Revision, StreamName};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::{LONGEST_BACKOFF, follow};
use crate::port::{Follow, ReadError};

#[tokio::test(start_paused = true)]
async fn a_follower_waits_out_an_outage_and_misses_nothing() {
    let outage = (0..20).map(|_| Err(unavailable()));
    let mut follower = follow_pages(
        [Ok(vec![event(1)])]
            .into_iter()
            .chain(outage)
            .chain([Ok(vec![event(2), event(3)])]),
    );
    let start = Instant::now();
    for position in 1..=3 {
        let event = follower.next().await.unwrap().unwrap();
        assert_eq!(event.position, Position(position));
    }
    // Twenty retries double from 50 ms to 5 s and stay there.
    let outage = start.elapsed();
    assert!(outage > Duration::from_secs(60), "{outage:?}");
    assert!(outage < LONGEST_BACKOFF * 20, "{outage:?}");
}

#[tokio::test(start_paused = true)]
async fn a_follower_reports_damage_once_and_ends() {
    let damage = ReadError::Damaged {
        position: Position(2),
        problem: "gone".to_owned(),
    };
    let follower = follow_pages([Ok(vec![event(1)]), Err(damage), Ok(vec![event(2)])]);
    let items = all(follower).await;
    assert!(
        matches!(items[..], [Ok(_), Err(ReadError::Damaged { .. })]),
        "{items:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_position_out_of_turn_is_damage() {
    for wrong in [0, 1, 3] {
        let follower = follow_pages([Ok(vec![event(1), event(wrong), event(2)])]);
        let items = all(follower).await;
        assert!(
            matches!(
                items[..],
                [
                    Ok(_),
                    Err(ReadError::Damaged {
                        position: Position(2),
                        ..
                    })
                ]
            ),
            "{items:?}"
        );
    }
}

/// A follower of a log that answers `pages` in turn, whatever is asked, and then nothing more.
fn follow_pages(pages: impl IntoIterator<Item = Result<Vec<Envelope>, ReadError>>) -> Follow {
    let pages = Arc::new(Mutex::new(VecDeque::from_iter(pages)));
    let read_page = move |_, _| -> BoxFuture<'static, _> {
        let page = pages.lock().unwrap().pop_front();
        Box::pin(async move { page.unwrap_or(Ok(Vec::new())) })
    };
    let (_, head) = watch::channel(Position(0));
    follow(Box::new(read_page), head, Position(0))
}

/// Everything that `follower` gives before it ends.
async fn all(follower: Follow) -> Vec<Result<Envelope, ReadError>> {
    timeout(Duration::from_secs(3600), follower.collect())
        .await
        .expect("the follower ends")
}

fn unavailable() -> ReadError {
    ReadError::Unavailable("no disk".into())
}

fn event(position: u64) -> Envelope {
    let id = Uuid::from_u128(position.into());
    Envelope {
        id: EventId(id),
        stream: StreamName("a-1".to_owned()),
        revision: Revision(position),
        position: Position(position),
        type_name: "SampleTaken".to_owned(),
        schema_version: 1,
        recorded_at: Timestamp::UNIX_EPOCH,
        command: CommandId(id),
        meta: meta(user("ann"), CommandId(id)),
        payload: b"null".to_vec(),
    }
}
