//! Nobody else writes to a target.

use domain::Position;
use tempfile::TempDir;

use super::{log, open, target, until_closed};
use crate::error::OpenError;
use crate::import::{Import, ImportError, StoredBatch};
use crate::port::EventStore;
use crate::sqlite::{SqliteEventStore, SqliteImport};

#[tokio::test]
async fn a_file_that_is_open_elsewhere_is_no_target_and_a_target_is_nobody_else_s() {
    let temp = TempDir::new().unwrap();
    let path = temp.path().join("log.db");
    let server = open(&path).await;
    let refused = SqliteImport::open(&path).await;
    assert!(
        matches!(refused, Err(OpenError::InUse)),
        "{:?}",
        refused.err()
    );
    drop(server);
    let import = until_closed(&path).await;
    let reader = SqliteEventStore::open_read_only(&path).await;
    let refused = match reader {
        Err(_) => true,
        Ok(reader) => reader.head().await.is_err(),
    };
    assert!(refused);
    drop(import);
    open(&path).await.head().await.unwrap();
}

#[tokio::test]
async fn a_batch_that_does_not_continue_the_log_is_not_imported() {
    let temp = TempDir::new().unwrap();
    let (source, _) = log(&temp).await;
    let import = target(&temp).await;
    let events = source.read_stored(Position(3), 2).await.unwrap();
    let batch = StoredBatch {
        events,
        commands: vec![],
    };
    let refused = import.import(&batch).await;
    let (none, third) = (Position(0), Position(3));
    assert!(
        matches!(refused, Err(ImportError::Moved { expected, head }) if (expected, head) == (third, none)),
        "{refused:?}"
    );
    assert_eq!(import.log().head().await.unwrap(), none);
}
