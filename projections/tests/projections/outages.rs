//! Databases that fail in the middle of a batch, or for a while.

use std::sync::Arc;
use std::time::Duration;

use domain::Position;
use domain::testing::organization_created;
use projections::organization::OrganizationFilter;
use projections::{Projector, ReadModelError};
use tokio_util::sync::CancellationToken;

use crate::events::everything;
use crate::fixture::{Fixture, Place, all, append, history};

const PATIENCE: Duration = Duration::from_secs(30);

/// Tables in the order in which a batch of everything first writes to them.
const TABLES: [&str; 6] = [
    "organizations",
    "versions",
    "grants",
    "listeners",
    "consumers",
    "assignments",
];

#[tokio::test]
async fn a_failure_in_the_middle_of_a_batch_leaves_rows_and_checkpoint_together() {
    for table in TABLES {
        let fixture = Fixture::new().await;
        let history = history(&everything());
        let empty = fixture.dump().await;
        let fail = format!(
            "CREATE TRIGGER fail AFTER INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END"
        );
        fixture.run(&fail).await;
        fixture.projector.apply(&history).await.unwrap_err();
        assert_eq!(fixture.dump().await, empty, "{table}");
        fixture.run("DROP TRIGGER fail").await;
        fixture.apply(&history).await;
        let whole = Fixture::after(&everything()).await;
        assert_eq!(fixture.dump().await, whole.dump().await);
    }
}

#[tokio::test]
async fn a_connection_lost_in_the_middle_of_a_batch_leaves_rows_and_checkpoint_together() {
    let fixture = Fixture::at(Place::postgres().await).await;
    let history = history(&everything());
    let mut empty = Some(fixture.dump().await);
    for table in TABLES {
        let lose = format!(
            "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
             CREATE TRIGGER lose AFTER INSERT ON {{tables}}{table}
             FOR EACH ROW EXECUTE FUNCTION lose()"
        );
        fixture.run(&lose).await;
        fixture.projector.apply(&history).await.unwrap_err();
        assert_eq!(Some(fixture.dump().await), empty, "{table}");
        fixture.run("DROP FUNCTION lose CASCADE").await;
    }
    fixture.apply(&history).await;
    assert_ne!(Some(fixture.dump().await), empty.take());
    let whole = Fixture::after(&everything()).await;
    assert_eq!(fixture.assigned().await, whole.assigned().await);
}

#[tokio::test]
async fn a_projector_goes_on_when_its_tables_can_be_written_again() {
    let fixture = Fixture::new().await;
    let (projecting, shutdown) = project(&fixture);
    fixture
        .run(
            "CREATE TRIGGER no_room BEFORE UPDATE ON checkpoint
             BEGIN SELECT RAISE(ROLLBACK, 'no room'); END",
        )
        .await;
    append(&*fixture.store, &[organization_created("acme")]).await;
    let moment = Duration::from_millis(300);
    assert!(fixture.model.wait_for(Position(1), moment).await.is_err());

    fixture.run("DROP TRIGGER no_room").await;
    fixture.model.wait_for(Position(1), PATIENCE).await.unwrap();
    shutdown.cancel();
    projecting.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_its_postgresql_fails_its_queries_and_goes_on_when_it_is_back() {
    let fixture = Fixture::at(Place::postgres().await).await;
    let Place::Postgres(database) = &fixture.place else {
        panic!("it is in PostgreSQL");
    };
    let (projecting, shutdown) = project(&fixture);
    append(&*fixture.store, &[organization_created("acme")]).await;
    fixture.model.wait_for(Position(1), PATIENCE).await.unwrap();

    database.close().await;
    append(&*fixture.store, &everything()[1..]).await;
    let failed = fixture
        .model
        .page(&OrganizationFilter::default(), &all())
        .await;
    assert!(
        matches!(failed, Err(ReadModelError::Database(_))),
        "{failed:?}"
    );
    assert_eq!(fixture.model.position(), Position(1));
    database.open_again().await;

    let head = fixture.store.head().await.unwrap();
    fixture.model.wait_for(head, PATIENCE).await.unwrap();
    let organizations = fixture
        .model
        .page(&OrganizationFilter::default(), &all())
        .await
        .unwrap();
    assert_eq!(organizations.rows.len(), 1);
    let whole = Fixture::after(&everything()).await;
    assert_eq!(fixture.assigned().await.len(), whole.assigned().await.len());
    shutdown.cancel();
    projecting.await.unwrap().unwrap();
}

type Projecting = tokio::task::JoinHandle<Result<(), projections::ProjectorError>>;

fn project(fixture: &Fixture) -> (Projecting, CancellationToken) {
    let shutdown = CancellationToken::new();
    let projector = Projector::new(fixture.model.clone(), Arc::clone(&fixture.store));
    (tokio::spawn(projector.run(shutdown.clone())), shutdown)
}
