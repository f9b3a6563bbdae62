//! A log in KurrentDB is copied like any other.

use std::sync::Arc;

use domain::testing::FixedClock;
use kurrentdb_stand_in::StandIn;
use tempfile::TempDir;

use super::{copied, stored, target};
use crate::contract::{NOW, sample};
use crate::import::Import;
use crate::kurrentdb::KurrentDbEventStore;
use crate::port::{EventStore, Expected};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_kurrentdb_is_copied_with_its_positions_and_commands() {
    let (temp, server) = (TempDir::new().unwrap(), StandIn::start().await.unwrap());
    let store = KurrentDbEventStore::open(&server.url(), Arc::new(FixedClock(NOW))).unwrap();
    let mut odd = sample("a-\"odd", Expected::NoStream, 2);
    odd.events[0].payload = vec![];
    odd.events[1].payload = vec![0xff, 0, b'\''];
    let appends = [
        odd,
        sample("a-1", Expected::NoStream, 700),
        sample("a-2", Expected::NoStream, 1),
    ];
    for append in &appends {
        store.append(append.clone()).await.unwrap();
    }
    let source = KurrentDbEventStore::open_read_only(&server.url()).unwrap();
    let source: Arc<dyn EventStore> = Arc::new(source);
    let import = target(&temp).await;
    let done = copied(&source, &import).await.unwrap();
    assert_eq!((done.before, done.events), (0, 703));
    let copy = import.log();
    assert_eq!(stored(copy.as_ref()).await, stored(&store).await);
    for append in appends {
        let answer = store.appended(append.command).await.unwrap();
        assert!(answer.is_some());
        assert_eq!(copy.appended(append.command).await.unwrap(), answer);
    }
    let again = copied(&source, &import).await.unwrap();
    assert_eq!((again.before, again.root), (703, done.root));
}
