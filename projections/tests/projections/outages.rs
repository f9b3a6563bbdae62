//! A projector whose database does not take writes for a while.

use std::sync::Arc;
use std::time::Duration;

use domain::organization::OrganizationCreated;
use domain::{Actor, CommandId, CorrelationId, Meta, Position, StreamName, codec};
use event_store::{Append, EventStore, Expected, SqliteEventStore};
use projections::{Projector, ReadModel};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::fixture::FixedClock;

#[tokio::test]
async fn a_projector_goes_on_when_its_tables_can_be_written_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("read.db");
    let model = ReadModel::open(&path).await.unwrap();
    let log = directory.path().join("log.db");
    let store = SqliteEventStore::open(&log, Arc::new(FixedClock));
    let store = Arc::new(store.await.unwrap());
    let shutdown = CancellationToken::new();
    let projector = Projector::new(model.clone(), Arc::clone(&store) as Arc<dyn EventStore>);
    let projecting = tokio::spawn(projector.run(shutdown.clone()));

    let options = SqliteConnectOptions::new().filename(&path);
    let mut outside = options.connect().await.unwrap();
    sqlx::query(
        "CREATE TRIGGER no_room BEFORE UPDATE ON checkpoint
         BEGIN SELECT RAISE(ROLLBACK, 'no room'); END",
    )
    .execute(&mut outside)
    .await
    .unwrap();
    append(&*store).await;
    let moment = Duration::from_millis(300);
    assert!(model.wait_for(Position(1), moment).await.is_err());

    sqlx::query("DROP TRIGGER no_room")
        .execute(&mut outside)
        .await
        .unwrap();
    let patience = Duration::from_secs(10);
    model.wait_for(Position(1), patience).await.unwrap();
    shutdown.cancel();
    projecting.await.unwrap().unwrap();
}

async fn append(store: &dyn EventStore) {
    let command = CommandId(Uuid::from_u128(1));
    let created = OrganizationCreated {
        name: "acme".parse().unwrap(),
    };
    let append = Append {
        stream: StreamName("organization-acme".to_owned()),
        expected: Expected::NoStream,
        command,
        fingerprint: [0; 32],
        meta: Meta {
            actor: Actor::User {
                name: "test".to_owned(),
            },
            correlation: CorrelationId(command.0),
            causation: command.0,
            client_address: None,
        },
        events: codec::encode(command, &[created.into()]),
    };
    store.append(append).await.unwrap();
}
