//! Parts that end, fail and panic, and what the process makes of it.

use std::convert::Infallible;

use super::*;

const ALL: [Part; 8] = [
    Part::Projector,
    Part::Policy,
    Part::Snapshots,
    Part::Http,
    Part::Checkpointer,
    Part::CheckpointPoster,
    Part::Journal,
    Part::Worker,
];

const LONG: Duration = Duration::from_secs(60);

async fn never() -> Result<(), Infallible> {
    std::future::pending().await
}

/// A server of which `part` does `work` and the others run for ever.
fn all_but(part: Part, work: impl Future<Output = Result<(), Failure>> + Send + 'static) -> Parts {
    let readiness = Readiness::default();
    readiness.started();
    let mut parts = Parts::new(readiness);
    for other in ALL.into_iter().filter(|other| *other != part) {
        parts.start(other, never());
    }
    parts.start(part, work);
    parts
}

#[tokio::test]
async fn a_part_that_fails_is_an_error_and_the_server_is_not_ready() {
    for part in ALL {
        let mut parts = all_but(part, async { Err("the disk is full".into()) });
        parts.failed().await;
        let why = parts.readiness().why_not().unwrap();
        assert_eq!(why, format!("{part} failed: the disk is full\n"));
        let error = parts.outcome().unwrap_err();
        assert!(matches!(error, PartError::Failed { part: failed, .. } if failed == part));
    }
}

#[tokio::test]
async fn a_part_that_panics_is_an_error_and_the_server_is_not_ready() {
    for part in ALL {
        let mut parts = all_but(part, async { panic!("an invariant does not hold") });
        parts.failed().await;
        let why = parts.readiness().why_not().unwrap();
        assert_eq!(why, format!("{part} panicked\n"));
        assert!(matches!(parts.outcome(), Err(PartError::Panicked(panicked)) if panicked == part));
    }
}

#[tokio::test]
async fn a_part_that_ends_by_itself_is_an_error_too() {
    for part in ALL {
        let mut parts = all_but(part, async { Ok(()) });
        parts.failed().await;
        assert!(matches!(parts.outcome(), Err(PartError::Ended(ended)) if ended == part));
    }
}

#[tokio::test]
async fn the_first_error_is_kept_and_the_others_are_waited_for() {
    let readiness = Readiness::default();
    let mut parts = Parts::new(readiness);
    let (drained, has_drained) = tokio::sync::oneshot::channel();
    parts.start(Part::Projector, async { Err::<(), _>("a".to_owned()) });
    parts.failed().await;
    parts.start(Part::Policy, async { Err::<(), _>("b".to_owned()) });
    parts.start(Part::Http, async move {
        tokio::task::yield_now().await;
        drained.send(()).unwrap();
        Ok::<_, Infallible>(())
    });
    parts.all_ended(LONG).await;
    assert_eq!(has_drained.await, Ok(()));
    let error = parts.outcome().unwrap_err();
    assert!(
        matches!(
            &error,
            PartError::Failed {
                part: Part::Projector,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn one_part_is_waited_for_while_the_others_run() {
    let mut parts = all_but(Part::Worker, async { Ok(()) });
    parts.until_ended(Part::Worker).await;
    parts.until_ended(Part::Worker).await;
    assert!(parts.outcome().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_part_that_does_not_stop_is_not_waited_for_without_end() {
    let mut parts = all_but(Part::Worker, async { Ok(()) });
    parts.all_ended(LONG).await;
    assert!(parts.outcome().is_ok());
}

#[test]
fn an_event_of_a_newer_version_is_found_among_the_causes() {
    let unknown = DecodeError::UnknownType("ListenerMuted".to_owned());
    let error = PartError::Failed {
        part: Part::Projector,
        source: Box::new(event_store::FollowError::Decode {
            position: domain::Position(3),
            source: unknown,
        }),
    };
    assert!(PartError::is_of_newer_event(&error));
    assert!(!PartError::is_of_newer_event(&PartError::Panicked(
        Part::Policy
    )));
}
