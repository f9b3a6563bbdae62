//! Logs copied to PostgreSQL and back, and logs that are only read.

use std::sync::Arc;

use domain::testing::FixedClock;
use domain::{Position, Revision};
use sqlx::Row;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::open;
use crate::audit::{CheckpointDir, Checkpointer, Problem, Report, Signer, verify};
use crate::contract::sample;
use crate::copy::{CopyError, copy};
use crate::error::OpenError;
use crate::import::{Import, ImportError, StoredBatch};
use crate::port::{Append, AppendError, EventStore, Expected};
use crate::postgres::{PostgresEventStore, PostgresImport};
use crate::sqlite::{SqliteEventStore, SqliteImport};
use crate::stored::StoredEvent;
use test_database::{Database, connect};

/// More than two batches.
const EVENTS: u64 = 9000;

async fn grow(store: &dyn EventStore) -> Vec<Append> {
    let mut odd = sample("a-\u{0}\"odd", Expected::NoStream, 2);
    odd.events[0].payload = vec![];
    odd.events[1].payload = vec![0xff, 0, b'\''];
    let small = sample("a-1", Expected::NoStream, 3);
    let large = sample("a-2", Expected::NoStream, 5000);
    let last = sample("a-1", Expected::Exact(Revision(2)), 3995);
    let appends = vec![odd, small, large, last];
    for append in &appends {
        store.append(append.clone()).await.unwrap();
    }
    appends
}

async fn stored(log: &dyn EventStore) -> Vec<StoredEvent> {
    let limit = usize::try_from(2 * EVENTS).unwrap();
    log.read_stored(Position(0), limit).await.unwrap()
}

#[tokio::test]
async fn a_log_survives_the_way_to_postgresql_and_back() {
    let (temp, database) = (TempDir::new().unwrap(), Database::new().await);
    let path = temp.path().join("log.db");
    let source = SqliteEventStore::open(&path, Arc::new(FixedClock::default())).await;
    let source: Arc<dyn EventStore> = Arc::new(source.unwrap());
    let appends = grow(source.as_ref()).await;
    let there = PostgresImport::open(&database.url()).await.unwrap();
    let done = copy(source.clone(), &there, |_| {}).await.unwrap();
    assert_eq!((done.before, done.events), (0, EVENTS));
    let back = SqliteImport::open(&temp.path().join("back.db"))
        .await
        .unwrap();
    assert_eq!(copy(there.log(), &back, |_| {}).await.unwrap(), done);
    let events = stored(source.as_ref()).await;
    assert_eq!(stored(there.log().as_ref()).await, events);
    assert_eq!(stored(back.log().as_ref()).await, events);
    drop(there);

    let served = open(&database.url()).await;
    for append in appends {
        let answer = source.appended(append.command).await.unwrap();
        assert_eq!(served.appended(append.command).await.unwrap(), answer);
        assert_eq!(back.log().appended(append.command).await.unwrap(), answer);
        let again = served.append(append).await.unwrap();
        assert_eq!(Some(again), answer.map(|(appended, _)| appended));
    }
    let more = served.append(sample("b-1", Expected::NoStream, 1)).await;
    assert_eq!(more.unwrap().last, Position(EVENTS + 1));
    let event = &events[4321];
    assert_eq!(served.find(event.id).await.unwrap(), Some(event.position));
}

#[tokio::test]
async fn a_database_with_a_server_on_it_is_no_target_whatever_its_role() {
    let mut database = Database::new().await;
    let server = open(&database.url()).await;
    server
        .append(sample("a-1", Expected::NoStream, 1))
        .await
        .unwrap();
    let role = database.url_of_role("copier").await;
    let name = database.role().to_owned();
    database
        .run(&format!("GRANT SELECT ON _sqlx_migrations TO {name}"))
        .await;
    for url in [&database.url(), &role] {
        let refused = PostgresImport::open(url).await;
        assert!(
            matches!(refused, Err(OpenError::InUse)),
            "{:?}",
            refused.err()
        );
    }
    drop(server);
    let import = PostgresImport::open(&database.url()).await.unwrap();
    let second = PostgresImport::open(&database.url()).await;
    assert!(
        matches!(second, Err(OpenError::InUse)),
        "{:?}",
        second.err()
    );
    drop(import);
}

#[tokio::test]
async fn a_server_that_appends_in_the_middle_ends_the_copy() {
    let (temp, database) = (TempDir::new().unwrap(), Database::new().await);
    let path = temp.path().join("log.db");
    let source = SqliteEventStore::open(&path, Arc::new(FixedClock::default()))
        .await
        .unwrap();
    grow(&source).await;
    let import = PostgresImport::open(&database.url()).await.unwrap();
    let server = open(&database.url()).await;
    server
        .append(sample("b-1", Expected::NoStream, 1))
        .await
        .unwrap();
    let events = source.read_stored(Position(0), 10).await.unwrap();
    let batch = StoredBatch {
        events,
        commands: vec![],
    };
    let refused = import.import(&batch).await;
    let (expected, head) = (Position(0), Position(1));
    assert!(
        matches!(refused, Err(ImportError::Moved { expected: e, head: h }) if (e, h) == (expected, head)),
        "{refused:?}"
    );
    // It keeps nobody waiting, and the next look says where the logs part.
    server
        .append(sample("b-2", Expected::NoStream, 1))
        .await
        .unwrap();
    let refused = copy(Arc::new(source), &import, |_| {}).await;
    assert!(
        matches!(refused, Err(CopyError::Differs(Position(1)))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_role_that_may_only_select_audits_and_nothing_is_made_or_changed() {
    let mut database = Database::new().await;
    let empty = PostgresEventStore::open_read_only(&database.url()).await;
    assert!(empty.unwrap().head().await.is_err(), "there are no tables");
    let mut owner = connect(&database.url()).await;
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let tables: i64 = sqlx::query(tables)
        .fetch_one(&mut owner)
        .await
        .unwrap()
        .get(0);
    assert_eq!(tables, 0);

    let server = open(&database.url()).await;
    grow(&server).await;
    let url = database.url_of_role("auditor").await;
    let role = database.role().to_owned();
    database
        .run(&format!(
            "GRANT SELECT ON events, commands, log_head TO {role}"
        ))
        .await;
    let log = PostgresEventStore::open_read_only(&url).await.unwrap();
    assert_eq!(stored(&log).await, stored(&server).await);
    let refused = log.append(sample("b-1", Expected::NoStream, 1)).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))));
    assert_eq!(log.head().await.unwrap(), Position(EVENTS));
}

/// Each a change of the rows by the owner of the tables, and the first position that is then bad.
const CHANGES: [(u64, &str); 16] = [
    (
        3,
        "UPDATE events SET event_id = gen_random_uuid() WHERE position = 3",
    ),
    (3, "UPDATE events SET stream = 'other' WHERE position = 3"),
    (
        3,
        "UPDATE events SET revision = revision + 9999 WHERE position = 3",
    ),
    (3, "UPDATE events SET type = 'Other' WHERE position = 3"),
    (
        3,
        "UPDATE events SET schema_version = 4294967297 WHERE position = 3",
    ),
    (
        3,
        "UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 3",
    ),
    (
        3,
        "UPDATE events SET command_id = gen_random_uuid() WHERE position = 3",
    ),
    (
        3,
        "UPDATE events SET metadata = metadata || ' ' WHERE position = 3",
    ),
    (
        3,
        "UPDATE events SET payload = payload || ' ' WHERE position = 3",
    ),
    (3, "UPDATE events SET position = 99999 WHERE position = 3"),
    (5, "DELETE FROM events WHERE position = 5"),
    (9000, "DELETE FROM events WHERE position = 9000"),
    (
        9000,
        "DELETE FROM events WHERE position = 9000; UPDATE log_head SET position = 8999",
    ),
    (7, "UPDATE log_head SET position = 6"),
    (
        4,
        "DELETE FROM events WHERE position = 9000;
         UPDATE events SET recorded_at = 0 WHERE position = 4",
    ),
    (
        6,
        "UPDATE events SET position = 0 - position WHERE position = 6;
         UPDATE events SET position = 6 WHERE position = 8000;
         UPDATE events SET position = 8000 WHERE position = -6",
    ),
];

#[tokio::test]
async fn every_change_by_the_database_s_owner_is_found_at_the_first_position() {
    let (temp, database) = (TempDir::new().unwrap(), Database::new().await);
    let store: Arc<dyn EventStore> = Arc::new(open(&database.url()).await);
    grow(store.as_ref()).await;
    let signer = Signer::new("log", &[3; 32]).unwrap();
    let verifier = signer.verifier().clone();
    let directory = CheckpointDir::new(temp.path());
    let stop = CancellationToken::new();
    stop.cancel();
    Checkpointer::new(
        store,
        directory.clone(),
        signer,
        Arc::new(FixedClock::default()),
    )
    .run(stop)
    .await
    .unwrap();
    let verified = async || -> Report {
        let log = PostgresEventStore::open_read_only(&database.url()).await;
        verify(Arc::new(log.unwrap()), &directory, &verifier)
            .await
            .unwrap()
    };
    database
        .run(
            "CREATE TABLE saved AS TABLE events;
             ALTER TABLE events DISABLE TRIGGER USER; ALTER TABLE log_head DISABLE TRIGGER USER;
             ALTER TABLE events DROP CONSTRAINT events_position_check",
        )
        .await;
    assert!(verified().await.is_intact());
    for (position, change) in CHANGES {
        database.run(change).await;
        let report = verified().await;
        assert_eq!(
            report.first_bad_position(),
            Some(position),
            "{change}: {report:?}"
        );
        database
            .run(
                "TRUNCATE events; INSERT INTO events SELECT * FROM saved;
                 UPDATE log_head SET position = 9000",
            )
            .await;
        assert_eq!(verified().await.problems, Vec::<Problem>::new(), "{change}");
    }
}
