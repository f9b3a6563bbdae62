//! What the roles of the database may do to the log.

use std::sync::Arc;

use domain::Position;
use domain::testing::FixedClock;
use sqlx::postgres::PgConnection;

use super::open;
use crate::contract::sample;
use crate::error::OpenError;
use crate::port::{EventStore, Expected};
use crate::postgres::PostgresEventStore;
use test_database::{Database, connect};

const INSUFFICIENT_PRIVILEGE: &str = "42501";
const BY_TRIGGER: &str = "the event log is append-only";

const CHANGES: [&str; 10] = [
    "UPDATE events SET payload = ''",
    "UPDATE events SET payload = '' WHERE position = 1",
    "DELETE FROM events WHERE position = 1",
    "TRUNCATE events",
    "UPDATE commands SET last_position = 9",
    "DELETE FROM commands",
    "TRUNCATE commands",
    "DELETE FROM log_head",
    "TRUNCATE log_head",
    "INSERT INTO events SELECT * FROM events ON CONFLICT (position) DO UPDATE SET payload = ''",
];

#[tokio::test]
async fn the_application_s_role_adds_and_reads_and_changes_nothing() {
    let mut database = Database::new().await;
    drop(open(&database.url()).await);
    let url = database.url_of_role("application").await;
    let role = database.role();
    database
        .run(&format!(
            "GRANT SELECT, INSERT ON events, commands TO {role};
             GRANT SELECT, UPDATE ON log_head TO {role};
             GRANT SELECT ON _sqlx_migrations TO {role}"
        ))
        .await;
    let store = open(&url).await;
    let append = sample("a-1", Expected::NoStream, 2);
    store.append(append.clone()).await.unwrap();
    assert!(store.appended(append.command).await.unwrap().is_some());
    let before = store.read_all(Position(0), 10).await.unwrap();

    let mut intruder = connect(&url).await;
    for change in CHANGES {
        let (text, code) = refusal(change, &mut intruder).await;
        assert_eq!(code, INSUFFICIENT_PRIVILEGE, "{change}");
        assert_ne!(text, BY_TRIGGER, "{change}: it must not come that far");
    }
    for change in [
        "ALTER TABLE events DISABLE TRIGGER USER",
        "DROP TABLE events",
        "DROP TRIGGER events_are_never_changed ON events",
    ] {
        refusal(change, &mut intruder).await;
    }
    assert_eq!(store.read_all(Position(0), 10).await.unwrap(), before);
}

#[tokio::test]
async fn even_the_owner_changes_nothing_by_mistake() {
    let database = Database::new().await;
    let store = open(&database.url()).await;
    store
        .append(sample("a-1", Expected::NoStream, 2))
        .await
        .unwrap();
    let before = store.read_all(Position(0), 10).await.unwrap();
    let mut owner = connect(&database.url()).await;
    for role in ["origin", "replica"] {
        sqlx::query("SELECT set_config('session_replication_role', $1, false)")
            .bind(role)
            .execute(&mut owner)
            .await
            .unwrap();
        for change in CHANGES {
            let (text, _) = refusal(change, &mut owner).await;
            assert_eq!(text, BY_TRIGGER, "{change}");
        }
        for lower in [
            "UPDATE log_head SET position = 1",
            "UPDATE log_head SET position = 2",
        ] {
            refusal(lower, &mut owner).await;
        }
    }
    assert_eq!(store.read_all(Position(0), 10).await.unwrap(), before);
}

#[tokio::test]
async fn a_role_that_may_not_create_tables_says_so_where_there_are_none() {
    let mut database = Database::new().await;
    let url = database.url_of_role("visitor").await;
    database
        .run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        .await;
    let refused = PostgresEventStore::open(&url, Arc::new(FixedClock::default())).await;
    assert!(
        matches!(refused, Err(OpenError::Migrate(_))),
        "{:?}",
        refused.err()
    );
}

/// The text and the code with which the database refuses `statement`.
async fn refusal(statement: &'static str, connection: &mut PgConnection) -> (String, String) {
    let Err(error) = sqlx::query(statement).execute(connection).await else {
        panic!("it may: {statement}");
    };
    let error = error.into_database_error().expect("the database's refusal");
    let code = error.code().unwrap_or_default().into_owned();
    (error.message().to_owned(), code)
}
