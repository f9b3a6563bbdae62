//! Generations of the read tables: built beside the live one, swapped, and left behind.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::testing::organization_created;
use domain::{Event, Position};
use event_store::FollowError;
use projections::organization::OrganizationFilter;
use projections::{Projector, ProjectorError, ReadModel};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::events::everything;
use crate::fixture::{Fixture, Place, all, append, append_unknown, assignments, history};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn created(number: usize) -> Event {
    organization_created(&format!("org-{number:04}"))
}

/// Waits until `holds` does, which something that happens elsewhere brings about.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect(what);
}

/// Reads until told to stop: nothing fails, and nothing that was there goes.
fn reading(model: ReadModel, stop: CancellationToken) -> JoinHandle<usize> {
    tokio::spawn(async move {
        let (mut seen, mut told, mut reads) = (Position(0), Position(0), 0);
        let mut names = BTreeSet::new();
        while !stop.is_cancelled() {
            let position = model.position();
            assert!(position >= told, "{position:?} after {told:?}");
            let (stored, _) = assignments(&model, None).await;
            assert!(
                stored >= seen && stored >= position,
                "{stored:?} after {seen:?}"
            );
            (seen, told) = (stored, position);
            let page = model
                .page(&OrganizationFilter::default(), &all())
                .await
                .unwrap();
            let now: BTreeSet<_> = page.rows.into_iter().map(|row| row.name).collect();
            assert!(page.more || now.is_superset(&names));
            names = now;
            reads += 1;
        }
        reads
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_while_writes_go_on_never_goes_back_and_ends_with_the_same_rows() {
    for fixture in Fixture::each().await {
        let Fixture { model, store, .. } = &fixture;
        append(&**store, &everything()).await;
        let (stop, shutdown) = (CancellationToken::new(), CancellationToken::new());
        let projector = Projector::new(model.clone(), Arc::clone(store));
        let projecting = tokio::spawn(projector.run(shutdown.clone()));
        let reading = reading(model.clone(), stop.clone());
        for number in 0..60 {
            append(&**store, &[created(number)]).await;
            if number == 20 {
                model.rebuild();
            }
        }
        eventually("another generation", async || model.generation() == 2).await;
        append(&**store, &[created(60)]).await;
        let head = store.head().await.unwrap();
        model.wait_for(head, PATIENCE).await.unwrap();
        stop.cancel();
        assert!(reading.await.unwrap() > 0);
        shutdown.cancel();
        projecting.await.unwrap().unwrap();
        assert_eq!(model.rebuilding(), None);

        let once = Fixture::new().await;
        once.apply(&store.read_all(Position(0), 1000).await.unwrap())
            .await;
        let rows = async |fixture: &Fixture| {
            let mut rows = fixture.dump().await;
            rows.retain(|line| !line.starts_with("checkpoint"));
            rows
        };
        assert_eq!(rows(&fixture).await, rows(&once).await);
        eventually("the first generation is gone", async || {
            fixture.generations().await == [2]
        })
        .await;
        assert_eq!(fixture.reopened().await.generation(), 2);
    }
}

#[tokio::test]
async fn a_rebuild_that_fails_leaves_the_rows_as_they_were() {
    for fixture in Fixture::each().await {
        append(&*fixture.store, &everything()).await;
        fixture.apply(&history(&everything())).await;
        append_unknown(&*fixture.store).await;
        let before = fixture.dump().await;
        let failed = fixture.projector.rebuild().await;
        assert!(
            matches!(
                failed,
                Err(ProjectorError::Follow(FollowError::Decode { .. }))
            ),
            "{failed:?}"
        );
        assert_eq!(fixture.model.generation(), 1);
        assert_eq!(fixture.dump().await, before);
        eventually("what was built is gone", async || {
            fixture.generations().await == [1]
        })
        .await;
    }
}

#[tokio::test]
async fn what_a_crash_left_of_a_rebuild_is_removed_at_the_next_start() {
    for fixture in Fixture::each().await {
        fixture.apply(&history(&everything())).await;
        fixture.leave_half_a_generation().await;
        assert_eq!(fixture.generations().await, [1, 2]);
        let reopened = fixture.reopened().await;
        assert_eq!(reopened.generation(), 1);
        assert_eq!(reopened.position(), fixture.model.position());
        assert_eq!(fixture.generations().await, [1]);
    }
}

#[tokio::test]
async fn tables_of_another_shape_are_built_again() {
    for fixture in Fixture::each().await {
        fixture.apply(&history(&everything())).await;
        fixture
            .run("UPDATE {tables}checkpoint SET shape = 'another'")
            .await;
        let reopened = fixture.reopened().await;
        assert_eq!(reopened.generation(), 2);
        assert_eq!(reopened.position(), Position(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_share_the_rows_and_one_goes_on_without_the_other() {
    let fixture = Fixture::at(Place::postgres().await).await;
    let (one, other) = (fixture.model.clone(), fixture.reopened().await);
    let project = |model: &ReadModel| {
        let shutdown = CancellationToken::new();
        let projector = Projector::new(model.clone(), Arc::clone(&fixture.store));
        (tokio::spawn(projector.run(shutdown.clone())), shutdown)
    };
    let (first, stop_first) = project(&one);
    let (second, stop_second) = project(&other);
    append(&*fixture.store, &everything()).await;
    for number in 0..40 {
        append(&*fixture.store, &[created(number)]).await;
    }
    let head = fixture.store.head().await.unwrap();
    for model in [&one, &other] {
        model.wait_for(head, PATIENCE).await.unwrap();
        assert_eq!(assignments(model, None).await.0, head);
    }
    let once = Fixture::new().await;
    let whole = fixture.store.read_all(Position(0), 1000).await.unwrap();
    once.apply(&whole).await;
    assert_eq!(fixture.assigned().await, once.assigned().await);

    // One of them rebuilds; the other reads on, and follows with the next event.
    one.rebuild();
    eventually("a new generation", async || one.generation() == 2).await;
    assert_eq!(
        other
            .page(&OrganizationFilter::default(), &all())
            .await
            .unwrap()
            .rows
            .len(),
        41
    );
    assert_eq!(fixture.generations().await, [1, 2]);
    append(&*fixture.store, &[created(40)]).await;
    let head = fixture.store.head().await.unwrap();
    other.wait_for(head, PATIENCE).await.unwrap();
    assert_eq!(other.generation(), 2);
    eventually("nobody reads the first", async || {
        fixture.generations().await == [2]
    })
    .await;

    stop_first.cancel();
    first.await.unwrap().unwrap();
    append(&*fixture.store, &[created(41)]).await;
    let head = fixture.store.head().await.unwrap();
    other.wait_for(head, PATIENCE).await.unwrap();
    stop_second.cancel();
    second.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_tables_were_removed_meanwhile_reads_those_that_are_live() {
    let fixture = Fixture::at(Place::postgres().await).await;
    let other = fixture.reopened().await;
    append(&*fixture.store, &everything()).await;
    fixture.apply(&history(&everything())).await;
    fixture.projector.rebuild().await.unwrap();
    let Place::Postgres(database) = &fixture.place else {
        panic!("it is in PostgreSQL");
    };
    // As when none of its connections was there to keep them.
    database.run("DROP SCHEMA eventflows_read_1 CASCADE").await;
    assert_eq!(
        other
            .page(&OrganizationFilter::default(), &all())
            .await
            .unwrap()
            .rows
            .len(),
        1
    );
    assert_eq!(other.generation(), 2);
    assert_eq!(other.position(), fixture.model.position());
}
