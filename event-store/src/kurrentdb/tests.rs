//! The contract on KurrentDB, and what only KurrentDB promises.
//!
//! The contract runs on the server that `EVENTFLOWS_TEST_KURRENTDB` names, and on the stand-in
//! where that is not set. The other tests need the stand-in, which fails on demand.

mod copying;
mod outages;
mod processes;
mod stored;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use domain::Position;
use domain::testing::FixedClock;
use kurrentdb_stand_in::StandIn;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::KurrentDbEventStore;
use crate::contract::{self, Log, NOW};
use crate::port::{EventStore, Follow};

/// Far more than any of this takes.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn kurrentdb_holds_the_contract() {
    let stand_in: Arc<OnceCell<StandIn>> = Arc::default();
    contract::hold(|| new_log(Arc::clone(&stand_in))).await;
}

/// A log of its own on the real server, or on a stand-in that all logs share.
fn new_log(stand_in: Arc<OnceCell<StandIn>>) -> Log {
    static LOGS: AtomicU32 = AtomicU32::new(1);
    let number = LOGS.fetch_add(1, Ordering::Relaxed);
    let name = format!("test-{}-{number}", std::process::id());
    Arc::new(move || {
        let (stand_in, name) = (Arc::clone(&stand_in), name.clone());
        Box::pin(async move {
            let server = match real_server() {
                Some(server) => server,
                None => stand_in.get_or_init(start).await.url(),
            };
            Arc::new(open(&with_log(&server, &name))) as Arc<dyn EventStore>
        })
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the address of a real server is known to the environment alone"
)]
fn real_server() -> Option<String> {
    std::env::var("EVENTFLOWS_TEST_KURRENTDB").ok()
}

fn with_log(server: &str, name: &str) -> String {
    let and = if server.contains('?') { '&' } else { '?' };
    format!("{server}{and}log={name}")
}

async fn start() -> StandIn {
    StandIn::start().await.unwrap()
}

fn open(url: &str) -> KurrentDbEventStore {
    KurrentDbEventStore::open(url, Arc::new(FixedClock(NOW))).unwrap()
}

/// The follower's next event stands at `position`.
async fn expect(follower: &mut Follow, position: u64) {
    use futures_util::StreamExt;
    let event = timeout(PATIENCE, follower.next())
        .await
        .unwrap_or_else(|_| panic!("nothing came for position {position}"));
    assert_eq!(event.unwrap().unwrap().position, Position(position));
}

/// So many subscriptions begin: each store has one, and another after each that has ended.
async fn subscribed(server: &StandIn, subscriptions: u64) {
    let begun = timeout(PATIENCE, server.subscribed(subscriptions)).await;
    let so_far = server.subscriptions();
    assert!(begun.is_ok(), "{so_far} subscriptions, not {subscriptions}");
}
