//! Whatever is done to the rows of a SQLite file with SQLite's own statements is found, and the
//! first position named that differs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use domain::testing::FixedClock;
use proptest::collection::vec;
use proptest::prelude::*;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use super::tampering::{directory, signer};
use crate::audit::{Checkpointer, Report, verify};
use crate::contract::sample;
use crate::port::{EventStore, Expected};
use crate::sqlite::SqliteEventStore;

/// Events of the log; all of them are covered.
const EVENTS: u64 = 40;

/// A row as SQLite writes it, byte for byte.
const DUMP: &str = "SELECT position, hex(event_id) || ' ' || hex(CAST(stream AS BLOB)) || ' ' ||
    revision || ' ' || hex(CAST(type AS BLOB)) || ' ' || schema_version || ' ' || recorded_at ||
    ' ' || hex(command_id) || ' ' || hex(CAST(metadata AS BLOB)) || ' ' || hex(payload)
    FROM events WHERE position > 0 ORDER BY position";

/// A closed file of [`EVENTS`] events, beside checkpoints that were made of it as it grew.
async fn signed_file() -> TempDir {
    let temp = TempDir::new().unwrap();
    let path = temp.path().join("log.db");
    let store = SqliteEventStore::open(&path, Arc::new(FixedClock::default()))
        .await
        .unwrap();
    let store: Arc<dyn EventStore> = Arc::new(store);
    for number in 0..EVENTS / 2 {
        let append = sample(&format!("a-{number}"), Expected::NoStream, 2);
        store.append(append).await.unwrap();
        if number % 7 == 3 || number + 1 == EVENTS / 2 {
            let stop = CancellationToken::new();
            stop.cancel();
            Checkpointer::new(
                store.clone(),
                directory(&temp),
                signer(),
                Arc::new(FixedClock::default()),
            )
            .run(stop)
            .await
            .unwrap();
        }
    }
    drop(store);
    // The writer's thread may still be closing the file: its log is taken into it here.
    let mut connection = connect(&path).await;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    temp
}

async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    options.foreign_keys(false).connect().await.unwrap()
}

async fn dump(path: &Path) -> BTreeMap<i64, String> {
    let mut connection = connect(path).await;
    let rows = sqlx::query(DUMP).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Runs each of `statements` by the owner of the file, who has removed what stood in the way. One
/// that breaks a unique index changes nothing.
async fn tamper(path: &Path, statements: &[String]) {
    let mut connection = connect(path).await;
    let triggers: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    for trigger in triggers {
        run(&mut connection, &format!("DROP TRIGGER {trigger}"))
            .await
            .unwrap();
    }
    let unchecked = "PRAGMA ignore_check_constraints = ON";
    run(&mut connection, unchecked).await.unwrap();
    for statement in statements {
        let _ = run(&mut connection, statement).await;
    }
    connection.close().await.unwrap();
}

async fn run(connection: &mut SqliteConnection, statements: &str) -> Result<(), sqlx::Error> {
    let mut tx = connection.begin().await?;
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

async fn verified(path: &Path, checkpoints: &TempDir) -> Report {
    let store = SqliteEventStore::open_read_only(path).await.unwrap();
    verify(
        Arc::new(store),
        &directory(checkpoints),
        signer().verifier(),
    )
    .await
    .unwrap()
}

fn position() -> impl Strategy<Value = u64> {
    1..=EVENTS
}

fn statement() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (position(), assignment())
            .prop_map(|(at, assignment)| format!("UPDATE events SET {assignment} WHERE position = {at}")),
        1 => (position(), assignment())
            .prop_map(|(at, assignment)| format!("UPDATE events SET {assignment} WHERE position > {at}")),
        1 => position().prop_map(|at| format!("DELETE FROM events WHERE position = {at}")),
        1 => position().prop_map(|at| format!("DELETE FROM events WHERE position >= {at}")),
        1 => position().prop_map(|at| format!(
            "DELETE FROM events WHERE position = {at};
             UPDATE events SET position = -position WHERE position > {at};
             UPDATE events SET position = -position - 1 WHERE position < 0")),
        1 => (position(), position()).prop_map(|(from, at)| format!(
            "UPDATE events SET position = -position WHERE position >= {at};
             UPDATE events SET position = -position + 1 WHERE position < 0;
             INSERT INTO events SELECT {at}, randomblob(16), stream || '-again', revision, type,
                 schema_version, recorded_at, command_id, metadata, payload
             FROM events WHERE position = {from}")),
        1 => (position(), position()).prop_map(|(one, other)| format!(
            "UPDATE events SET position = -1 WHERE position = {one};
             UPDATE events SET position = {one} WHERE position = {other};
             UPDATE events SET position = {other} WHERE position = -1")),
    ]
}

fn assignment() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|to| format!("position = {to}")),
        (0..2 * EVENTS).prop_map(|to| format!("position = {to}")),
        vec(any::<u8>(), 0..20).prop_map(|to| format!("event_id = {}", blob(&to))),
        any::<[u8; 16]>().prop_map(|to| format!("event_id = {}", blob(&to))),
        text("stream"),
        number("revision"),
        text("type"),
        number("schema_version"),
        number("recorded_at"),
        any::<[u8; 16]>().prop_map(|to| format!("command_id = {}", blob(&to))),
        text("metadata"),
        Just("metadata = metadata || ' '".to_owned()),
        vec(any::<u8>(), 0..20).prop_map(|to| format!("payload = {}", blob(&to))),
        Just("payload = CAST(payload || ' ' AS BLOB)".to_owned()),
    ]
}

fn number(column: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(move |to| format!("{column} = {to}")),
        (-2..3_i64).prop_map(move |by| format!("{column} = {column} + {by}")),
    ]
}

/// Any bytes, which need not be UTF-8, as the text of `column`.
fn text(column: &'static str) -> impl Strategy<Value = String> {
    let bytes = prop_oneof![
        any::<String>().prop_map(String::into_bytes),
        vec(any::<u8>(), 0..20),
    ];
    bytes.prop_map(move |to| format!("{column} = CAST({} AS TEXT)", blob(&to)))
}

fn blob(bytes: &[u8]) -> String {
    let mut hex = "x'".to_owned();
    for byte in bytes {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex + "'"
}

#[tokio::test]
async fn a_hole_before_an_event_that_cannot_be_read_is_where_it_begins() {
    let signed = signed_file().await;
    let path = signed.path().join("log.db");
    for hole in [13, 1] {
        let unreadable = hole + 1;
        let statements = [
            format!(
                "UPDATE events SET metadata = CAST(x'80' AS TEXT) WHERE position = {unreadable}"
            ),
            format!("DELETE FROM events WHERE position = {hole}"),
        ];
        tamper(&path, &statements).await;
        let report = verified(&path, &signed).await;
        assert_eq!(report.first_bad_position(), Some(hole), "{report:?}");
    }
}

#[test]
fn any_statements_on_the_file_are_found_at_the_first_position_that_differs() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let signed = runtime.block_on(signed_file());
    let original = signed.path().join("log.db");
    let was = runtime.block_on(dump(&original));
    assert_eq!(was.len() as u64, EVENTS);
    assert!(runtime.block_on(verified(&original, &signed)).is_intact());
    let copies = TempDir::new().unwrap();
    let path = copies.path().join("log.db");
    proptest!(|(statements in vec(statement(), 0..4))| {
        for left in ["log.db", "log.db-wal", "log.db-shm"] {
            let _ = fs::remove_file(copies.path().join(left));
        }
        fs::copy(&original, &path).unwrap();
        runtime.block_on(tamper(&path, &statements));
        let now = runtime.block_on(dump(&path));
        let expected = was.iter().find(|(at, row)| now.get(at) != Some(row));
        let expected = expected.map(|(at, _)| u64::try_from(*at).unwrap());
        let report = runtime.block_on(verified(&path, &signed));
        prop_assert_eq!(report.first_bad_position(), expected, "{:?}", report);
        prop_assert_eq!(report.is_intact(), expected.is_none());
    });
}
