//! Every way to change a log is found, and the place named.

use std::fs;
use std::sync::Arc;

use domain::testing::FixedClock;
use domain::{EventId, Revision, StreamName};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::rows::Rows;
use crate::audit::{
    CheckpointDir, Checkpointer, CheckpointerError, Problem, Report, Signer, verify,
};
use crate::stored::StoredEvent;

/// Changes the rows of a log.
type Change = fn(&mut Vec<StoredEvent>);

pub(super) fn signer() -> Signer {
    Signer::new("log", &[3; 32]).unwrap()
}

pub(super) fn directory(temp: &TempDir) -> CheckpointDir {
    CheckpointDir::new(temp.path())
}

/// Makes one checkpoint of the log as it is.
pub(super) async fn checkpoint(rows: &Rows, temp: &TempDir) -> Result<(), CheckpointerError> {
    let (store, stop) = (Arc::new(rows.clone()), CancellationToken::new());
    stop.cancel();
    Checkpointer::new(
        store,
        directory(temp),
        signer(),
        Arc::new(FixedClock::default()),
    )
    .run(stop)
    .await
}

/// A log of 3000 events with checkpoints at 1, 1024 and 2500.
async fn signed_log() -> (Rows, TempDir) {
    let (rows, temp) = (Rows::of(1), TempDir::new().unwrap());
    for size in [1, 1024, 2500] {
        rows.grow(size);
        checkpoint(&rows, &temp).await.unwrap();
    }
    rows.grow(3000);
    (rows, temp)
}

pub(super) async fn verified(rows: Arc<Rows>, temp: &TempDir) -> Report {
    verify(rows, &directory(temp), signer().verifier())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_log_that_only_grew_is_intact() {
    let (rows, temp) = signed_log().await;
    let report = verified(Arc::new(rows), &temp).await;
    assert!(report.is_intact(), "{report:?}");
    assert_eq!(
        (report.proved, report.covered, report.events),
        (2500, 2500, 3000)
    );
    assert_eq!(report.checkpoints, 3);
}

#[tokio::test]
async fn every_changed_field_is_found_at_its_position() {
    let (rows, temp) = signed_log().await;
    let changes: [fn(&mut StoredEvent); 9] = [
        |event| event.id = EventId(Uuid::nil()),
        |event| event.stream = StreamName("b".to_owned()),
        |event| event.revision = Revision(99_999),
        |event| event.type_name.push('x'),
        |event| event.schema_version = 2,
        |event| event.recorded_at_us += 1,
        |event| event.command.0 = Uuid::nil(),
        |event| event.metadata.push(' '),
        |event| event.payload.push(b' '),
    ];
    for position in [1, 2, 1024, 1025, 2500] {
        for change in changes {
            let log = rows.changed(|rows| change(&mut rows[position - 1]));
            let problems = verified(log, &temp).await.problems;
            let position = position as u64;
            assert_eq!(problems, [Problem::Changed { position }]);
        }
    }
}

#[tokio::test]
async fn a_text_moved_into_the_next_field_is_found() {
    let (rows, temp) = signed_log().await;
    let log = rows.changed(|rows| {
        let moved = rows[9].metadata.pop().unwrap();
        rows[9].payload.insert(0, moved as u8);
    });
    assert_eq!(verified(log, &temp).await.first_bad_position(), Some(10));
}

#[tokio::test]
async fn removed_added_doubled_and_swapped_events_are_found_at_the_first_position() {
    let (rows, temp) = signed_log().await;
    let changes: [(u64, Change); 5] = [
        (1, |rows| drop(rows.remove(0))),
        (1200, |rows| drop(rows.remove(1199))),
        (1200, |rows| rows.insert(1199, rows[2998].clone())),
        (1201, |rows| rows.insert(1200, rows[1199].clone())),
        (700, |rows| rows.swap(699, 2000)),
    ];
    for (position, change) in changes {
        let report = verified(rows.changed(change), &temp).await;
        assert_eq!(report.first_bad_position(), Some(position));
        assert_eq!(report.proved, position - 1);
    }
}

#[tokio::test]
async fn a_hole_is_found_where_it_begins() {
    let (rows, temp) = signed_log().await;
    rows.change(|rows| drop(rows.drain(1499..1600)));
    let report = verified(Arc::new(rows), &temp).await;
    assert_eq!(report.first_bad_position(), Some(1500));
    assert!(matches!(report.problems[..], [Problem::Damaged { .. }]));
}

#[tokio::test]
async fn an_older_copy_lacks_what_was_signed_and_one_that_was_not_signed_does_not() {
    let (rows, temp) = signed_log().await;
    let older = rows.changed(|rows| rows.truncate(2499));
    let missing = Problem::Missing {
        first: 2500,
        last: 2500,
    };
    assert_eq!(verified(older, &temp).await.problems, [missing]);
    let unsigned = rows.changed(|rows| rows.truncate(2500));
    assert!(verified(unsigned, &temp).await.is_intact());
}

#[tokio::test]
async fn without_leaves_the_place_is_bounded_by_checkpoints() {
    let (rows, temp) = signed_log().await;
    fs::remove_file(temp.path().join("leaves")).unwrap();
    let leaves = Problem::Leaves { first: 1, last: 1 };
    let report = verified(Arc::new(rows.clone()), &temp).await;
    assert_eq!(report.problems, std::slice::from_ref(&leaves));
    assert_eq!(report.proved, 2500);
    let log = rows.changed(|rows| rows[1999].payload.push(b' '));
    let within = Problem::Within {
        first: 1025,
        last: 2500,
    };
    assert_eq!(verified(log, &temp).await.problems, [leaves, within]);
}

#[tokio::test]
async fn leaves_changed_along_with_the_log_are_not_believed() {
    let (rows, temp) = signed_log().await;
    let path = temp.path().join("leaves");
    let log = rows.changed(|rows| rows[1999].payload.push(b' '));
    let mut leaves = fs::read(&path).unwrap();
    log.change(|rows| {
        let forged = crate::audit::leaf::hash(&rows[1999]);
        leaves[1999 * 32..2000 * 32].copy_from_slice(&forged);
    });
    fs::write(&path, leaves).unwrap();
    let bounds = (1025, 2500);
    let (first, last) = bounds;
    let problems = [
        Problem::Leaves { first, last },
        Problem::Within { first, last },
    ];
    assert_eq!(verified(log, &temp).await.problems, problems);
}

#[tokio::test]
async fn checkpoints_of_another_key_or_changed_ones_are_named() {
    let (rows, temp) = signed_log().await;
    let other = Signer::new("log", &[4; 32]).unwrap();
    let report = verify(Arc::new(rows.clone()), &directory(&temp), other.verifier()).await;
    // Three files and the latest, and then none is left.
    assert_eq!(report.unwrap().problems.len(), 5);
    let path = temp.path().join("000000001024.checkpoint");
    let changed = fs::read_to_string(&path).unwrap().replace("1024", "1023");
    fs::write(&path, changed).unwrap();
    let problems = verified(Arc::new(rows), &temp).await.problems;
    assert!(
        matches!(&problems[..], [Problem::Checkpoint { file, .. }] if file == "000000001024.checkpoint"),
        "{problems:?}"
    );
}

#[tokio::test]
async fn nothing_is_signed_once_the_log_is_not_what_was_signed() {
    let (rows, temp) = signed_log().await;
    let files = fs::read_dir(temp.path()).unwrap().count();
    let log = rows.changed(|rows| rows[41].payload[0] ^= 1);
    let refused = checkpoint(&log, &temp).await;
    let at_42 = Problem::Changed { position: 42 };
    assert!(matches!(refused, Err(CheckpointerError::Refused(problem)) if problem == at_42));
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), files);
    let report = verified(Arc::new(rows), &temp).await;
    assert!(report.is_intact(), "{report:?}");
}

#[tokio::test]
async fn leaves_without_a_checkpoint_are_overwritten() {
    let (rows, temp) = signed_log().await;
    let path = temp.path().join("leaves");
    let mut leaves = fs::read(&path).unwrap();
    leaves.extend_from_slice(&[7; 40]);
    fs::write(&path, leaves).unwrap();
    checkpoint(&rows, &temp).await.unwrap();
    let report = verified(Arc::new(rows.clone()), &temp).await;
    assert!(report.is_intact(), "{report:?}");
    assert_eq!(report.covered, 3000);
}
