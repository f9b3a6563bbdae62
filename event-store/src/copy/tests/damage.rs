//! Targets that hold something else, and sources that are damaged.

use std::sync::Arc;

use domain::Position;
use tempfile::TempDir;

use super::{EVENTS, copied, log, open, stored, tamper, target, until_closed};
use crate::contract::sample;
use crate::copy::{CopyError, copy};
use crate::import::Import;
use crate::port::{Expected, ReadError};
use crate::sqlite::{SqliteEventStore, SqliteImport};

#[tokio::test]
async fn a_target_that_holds_something_else_is_left_as_it_is() {
    let temp = TempDir::new().unwrap();
    let (source, _) = log(&temp).await;
    let import = target(&temp).await;
    copied(&source, &import).await.unwrap();
    drop(import);
    // Once it is closed, all of it is in the one file.
    drop(until_closed(&temp.path().join("copy.db")).await);
    for (first, change) in [
        (
            1,
            "UPDATE events SET payload = CAST(payload || ' ' AS BLOB) WHERE position IN (1, 5000)",
        ),
        (
            300,
            "UPDATE events SET recorded_at = recorded_at + 1 WHERE position IN (300, 301)",
        ),
        (
            4097,
            "UPDATE events SET metadata = metadata || ' ' WHERE position > 4096",
        ),
        (
            9000,
            "UPDATE events SET event_id = x'00112233445566778899aabbccddeeff' WHERE position = 9000",
        ),
        (
            1,
            "UPDATE commands SET fingerprint = zeroblob(32) WHERE first_position IN (1, 9000)",
        ),
    ] {
        let path = temp.path().join(format!("{first}.db"));
        std::fs::copy(temp.path().join("copy.db"), &path).unwrap();
        // The last ones are still to be copied.
        tamper(
            &path,
            &format!("{change}; DELETE FROM events WHERE position > 9000"),
        )
        .await;
        let other = SqliteImport::open(&path).await.unwrap();
        let held = stored(other.log().as_ref()).await;
        let refused = copied(&source, &other).await;
        assert!(
            matches!(refused, Err(CopyError::Differs(Position(at))) if at == first),
            "{change}: {refused:?}"
        );
        assert_eq!(stored(other.log().as_ref()).await, held);
    }
}

#[tokio::test]
async fn a_target_that_is_longer_differs_after_the_source_s_end() {
    let temp = TempDir::new().unwrap();
    let (source, _) = log(&temp).await;
    let import = target(&temp).await;
    copied(&source, &import).await.unwrap();
    drop(import);
    let copy = open(&temp.path().join("copy.db")).await;
    copy.append(sample("b-1", Expected::NoStream, 1))
        .await
        .unwrap();
    drop(copy);
    let import = until_closed(&temp.path().join("copy.db")).await;
    let refused = copied(&source, &import).await;
    let after = Position(EVENTS + 1);
    assert!(
        matches!(refused, Err(CopyError::Differs(at)) if at == after),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_source_that_is_damaged_is_copied_up_to_there_and_never_called_done() {
    for (bad, damage) in [
        (700, "DELETE FROM events WHERE position = 700"),
        (
            9000,
            "UPDATE events SET event_id = x'00' WHERE position = 9000",
        ),
        (
            300,
            "DELETE FROM commands WHERE 300 BETWEEN first_position AND last_position",
        ),
        (
            300,
            "UPDATE commands SET revision = revision + 1 WHERE 300 BETWEEN first_position AND last_position",
        ),
    ] {
        let temp = TempDir::new().unwrap();
        drop(log(&temp).await);
        let path = temp.path().join("log.db");
        drop(until_closed(&path).await);
        tamper(&path, damage).await;
        let source = SqliteEventStore::open_read_only(&path).await.unwrap();
        let import = target(&temp).await;
        let failed = copy(Arc::new(source), &import, |_| {}).await;
        let Err(CopyError::Source(ReadError::Damaged { position, .. })) = failed else {
            panic!("{damage}: {failed:?}");
        };
        assert!(
            (bad - 4..=bad).contains(&position.0),
            "{damage}: {position}"
        );
        assert!(import.log().head().await.unwrap() < position);
    }
}
