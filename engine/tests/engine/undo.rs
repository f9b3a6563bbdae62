//! Events taken back through the engine.

use domain::flow::Flows;
use domain::grant::Access;
use domain::listener::{
    DisableListener, PauseListener, ResumeListener, SettingsPatch, UpdateListener,
};
use domain::testing::{listener_id, topic_id};
use domain::topic::Topic;
use domain::undo::NoUndo;
use domain::{Revision, StreamName};
use engine::Outcome;
use engine::undo::Undo;

use crate::cluster::{Cluster, revoke};

fn orders() -> StreamName {
    StreamName::topic(&topic_id("orders"))
}

/// Takes back the event at `revision` of the topic orders, as it is now.
async fn undo(cluster: &Cluster, revision: u64) -> Undo {
    let (stream, flows) = (orders(), Flows::default());
    let undone = cluster.engine.undo(&stream, Revision(revision), &flows);
    undone.await.unwrap()
}

#[tokio::test]
async fn a_disabled_listener_is_enabled_again_as_it_was() {
    let cluster = Cluster::flowing().await;
    let before: Topic = cluster.engine.fold(&orders()).await.unwrap();
    let listener = listener_id("orders");
    cluster.done(&DisableListener { listener }).await;
    let Undo::Command { inverse, expected } = undo(&cluster, 2).await else {
        panic!("no command");
    };
    let mut request = cluster.request();
    request.expected = expected;
    let done = cluster.engine.execute(inverse.as_ref(), &request).await;
    assert!(matches!(done.unwrap(), Outcome::Accepted(_)));
    let after: Topic = cluster.engine.fold(&orders()).await.unwrap();
    assert_eq!(before, after);
}

#[tokio::test]
async fn what_one_request_did_is_taken_back_by_one() {
    let cluster = Cluster::flowing().await;
    let before: Topic = cluster.engine.fold(&orders()).await.unwrap();
    let update = UpdateListener {
        version: Some("latest".parse().unwrap()),
        settings: SettingsPatch {
            concurrency: Some(3),
            ..SettingsPatch::default()
        },
        ..UpdateListener::nothing_of(&listener_id("orders"))
    };
    let done = cluster.done(&update).await;
    // By whichever of its events.
    assert!(matches!(undo(&cluster, 2).await, Undo::Command { .. }));
    let Undo::Command { inverse, expected } = undo(&cluster, 3).await else {
        panic!("no command");
    };
    let mut request = cluster.request();
    request.expected = expected;
    let undone = cluster.engine.execute(inverse.as_ref(), &request).await;
    let Ok(Outcome::Accepted(undone)) = undone else {
        panic!("{undone:?}");
    };
    assert_eq!(undone.position.0, done.0 + 2);
    let after: Topic = cluster.engine.fold(&orders()).await.unwrap();
    assert_eq!(before, after);
}

#[tokio::test]
async fn what_happens_between_looking_and_undoing_is_not_lost() {
    let cluster = Cluster::flowing().await;
    let Undo::Command { inverse, expected } = undo(&cluster, 1).await else {
        panic!("no command");
    };
    let listener = listener_id("orders");
    cluster.done(&PauseListener { listener }).await;
    let mut request = cluster.request();
    request.expected = expected;
    let late = cluster.engine.execute(inverse.as_ref(), &request).await;
    assert!(matches!(late.unwrap(), Outcome::Stale(_)));
}

#[tokio::test]
async fn that_nothing_changed_is_not_taken_back() {
    let cluster = Cluster::flowing().await;
    let request = cluster.request();
    let listener = listener_id("orders");
    let resume = ResumeListener { listener };
    cluster.engine.execute(&resume, &request).await.unwrap();
    let stream = StreamName::command(request.command);
    let flows = Flows::default();
    let undone = cluster.engine.undo(&stream, Revision(0), &flows).await;
    assert!(matches!(
        undone.unwrap(),
        Undo::Impossible(NoUndo::Final(_))
    ));
}

#[tokio::test]
async fn an_event_that_is_not_there_or_was_undone_already_is_told() {
    let cluster = Cluster::flowing().await;
    assert!(matches!(undo(&cluster, 99).await, Undo::NoSuchEvent));
    cluster.done(&revoke("orders", Access::Subscribe)).await;
    let again = undo(&cluster, 0).await;
    assert!(matches!(again, Undo::Impossible(NoUndo::ChangedSince)));
}
