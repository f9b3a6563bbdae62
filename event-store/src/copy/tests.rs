//! Copies of logs in SQLite files: the same bytes, whatever stops the copy on the way.

mod damage;
mod faults;
#[cfg(feature = "kurrentdb")]
mod kurrentdb;
mod sharing;

use std::path::Path;
use std::sync::Arc;

use domain::testing::FixedClock;
use domain::{Position, Revision};
use futures_util::future::join_all;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{Copied, CopyError, Progress, Stage, copy};
use crate::audit::{CheckpointDir, Checkpointer, Signer, leaf, tree, verify};
use crate::contract::{NOW, sample};
use crate::error::OpenError;
use crate::import::Import;
use crate::port::{Append, EventStore, Expected};
use crate::sqlite::{SqliteEventStore, SqliteImport};
use crate::stored::StoredEvent;

/// More than two batches.
const EVENTS: u64 = 9000;

/// Appends of commands with one event, with several, and with more than one batch has.
fn appends() -> Vec<Append> {
    let mut appends: Vec<_> = (0..500)
        .map(|number| sample(&format!("a-{number}"), Expected::NoStream, 1 + number % 4))
        .collect();
    let large = sample("a-large", Expected::NoStream, 5000);
    appends.push(large);
    let mut odd = sample("a-\u{0}\"odd", Expected::NoStream, 3);
    odd.events[0].payload = vec![];
    odd.events[1].payload = vec![0xff, 0, b'\''];
    appends.push(odd);
    let rest = EVENTS - 500 * 5 / 2 - 5000 - 3;
    let rest = usize::try_from(rest).unwrap();
    let mut last = sample("a-0", Expected::Exact(Revision(0)), rest);
    last.events[0].payload = vec![b'x'; 1024 * 1024];
    appends.push(last);
    appends
}

async fn open(path: &Path) -> Arc<dyn EventStore> {
    let store = SqliteEventStore::open(path, Arc::new(FixedClock(NOW))).await;
    Arc::new(store.unwrap())
}

/// A log of [`EVENTS`] events in `temp`, and what was appended to it.
async fn log(temp: &TempDir) -> (Arc<dyn EventStore>, Vec<Append>) {
    let (store, appends) = (open(&temp.path().join("log.db")).await, appends());
    let (last, first) = appends.split_last().unwrap();
    let appended = first.iter().map(|append| store.append(append.clone()));
    for appended in join_all(appended).await {
        appended.unwrap();
    }
    let appended = store.append(last.clone()).await.unwrap();
    assert_eq!(appended.last, Position(EVENTS));
    (store, appends)
}

async fn target(temp: &TempDir) -> SqliteImport {
    let path = temp.path().join("copy.db");
    SqliteImport::open(&path).await.unwrap()
}

async fn copied(source: &Arc<dyn EventStore>, target: &dyn Import) -> Result<Copied, CopyError> {
    copy(source.clone(), target, |_| {}).await
}

async fn stored(log: &dyn EventStore) -> Vec<StoredEvent> {
    let limit = usize::try_from(2 * EVENTS).unwrap();
    log.read_stored(Position(0), limit).await.unwrap()
}

#[tokio::test]
async fn a_copy_holds_the_same_bytes_and_answers_the_same_commands() {
    let temp = TempDir::new().unwrap();
    let (source, appends) = log(&temp).await;
    let import = target(&temp).await;
    let mut told = Vec::new();
    let copied = copy(source.clone(), &import, |progress| told.push(progress));
    let copied = copied.await.unwrap();
    let events = stored(source.as_ref()).await;
    assert_eq!(stored(import.log().as_ref()).await, events);
    let leaves: Vec<_> = events.iter().map(leaf::hash).collect();
    let expected = Copied {
        events: EVENTS,
        before: 0,
        root: tree::root(&leaves),
    };
    assert_eq!(copied, expected);
    drop(import);

    let ended = |stage| Progress {
        stage,
        done: EVENTS,
        of: EVENTS,
    };
    assert!(told.contains(&ended(Stage::Copying)), "{told:?}");
    assert_eq!(told.last(), Some(&ended(Stage::Verifying)));
    let copy = open(&temp.path().join("copy.db")).await;
    for append in appends {
        let answer = source.appended(append.command).await.unwrap();
        assert_eq!(copy.appended(append.command).await.unwrap(), answer);
        assert_eq!(
            Some(copy.append(append).await.unwrap()),
            answer.map(|(appended, _)| appended)
        );
    }
    let more = sample("a-1", Expected::Exact(Revision(1)), 1);
    let more = copy.append(more).await.unwrap();
    assert_eq!(more.last, Position(EVENTS + 1));
}

#[tokio::test]
async fn what_was_signed_of_a_log_proves_its_copy() {
    let temp = TempDir::new().unwrap();
    let (source, _) = log(&temp).await;
    let signer = Signer::new("log", &[3; 32]).unwrap();
    let verifier = signer.verifier().clone();
    let directory = CheckpointDir::new(&temp.path().join("checkpoints"));
    let stop = CancellationToken::new();
    stop.cancel();
    Checkpointer::new(
        source.clone(),
        directory.clone(),
        signer,
        Arc::new(FixedClock(NOW)),
    )
    .run(stop)
    .await
    .unwrap();
    let import = target(&temp).await;
    copied(&source, &import).await.unwrap();
    let report = verify(import.log(), &directory, &verifier).await.unwrap();
    assert!(report.is_intact(), "{report:?}");
    assert_eq!(report.proved, EVENTS);
}

/// The file once nobody has it open: a writer closes it on a thread of its own.
async fn until_closed(path: &Path) -> SqliteImport {
    loop {
        match SqliteImport::open(path).await {
            Err(OpenError::InUse) => {}
            opened => return opened.unwrap(),
        }
    }
}

/// Runs `statements` with the triggers gone.
async fn tamper(path: &Path, statements: &str) {
    let mut connection = connect(path).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "DROP TRIGGER events_are_never_updated; DROP TRIGGER events_are_never_deleted;
         DROP TRIGGER commands_are_never_updated; DROP TRIGGER commands_are_never_deleted;
         PRAGMA ignore_check_constraints = ON; {statements}"
    )))
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
}

async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    options.connect().await.unwrap()
}
