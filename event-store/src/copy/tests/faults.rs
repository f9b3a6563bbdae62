//! Copies that are stopped on the way, and targets that store something else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use domain::Position;
use tempfile::TempDir;

use super::{EVENTS, copied, log, open, stored, target};
use crate::contract::sample;
use crate::copy::CopyError;
use crate::import::{Import, ImportError, StoredBatch};
use crate::port::{EventStore, Expected};
use crate::sqlite::SqliteImport;

/// Lets some batches through, and then fails, before or after the batch is in the log.
struct Stopped<'a> {
    import: &'a SqliteImport,
    batches: AtomicUsize,
    too_late: bool,
}

#[async_trait]
impl Import for Stopped<'_> {
    fn log(&self) -> Arc<dyn EventStore> {
        self.import.log()
    }

    async fn import(&self, batch: &StoredBatch) -> Result<(), ImportError> {
        let left = self.batches.fetch_sub(1, Ordering::Relaxed) - 1;
        if left > 0 || self.too_late {
            self.import.import(batch).await?;
        }
        if left == 0 {
            return Err(ImportError::Unavailable("the power is gone".into()));
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_copy_goes_on_where_it_was_stopped() {
    let temp = TempDir::new().unwrap();
    let (source, _) = log(&temp).await;
    let events = stored(source.as_ref()).await;
    let import = target(&temp).await;
    let mut before = 0;
    for too_late in [false, true, false] {
        let stopped = Stopped {
            import: &import,
            batches: AtomicUsize::new(1),
            too_late,
        };
        let failed = copied(&source, &stopped).await;
        assert!(matches!(failed, Err(CopyError::Import(_))), "{failed:?}");
        let held = import.log().head().await.unwrap().0;
        assert_eq!(held > before, too_late, "{held} events, {before} before");
        before = held;
        let beginning = usize::try_from(held).unwrap();
        assert_eq!(stored(import.log().as_ref()).await, events[..beginning]);
    }
    let done = copied(&source, &import).await.unwrap();
    assert_eq!((done.before, done.events), (before, EVENTS));
    assert!(before > 0);
    assert_eq!(stored(import.log().as_ref()).await, events);
    // What came since follows, and there is nothing more to do then.
    let more = sample("b-1", Expected::NoStream, 2);
    source.append(more.clone()).await.unwrap();
    for before in [EVENTS, EVENTS + 2] {
        let done = copied(&source, &import).await.unwrap();
        assert_eq!((done.before, done.events), (before, EVENTS + 2));
    }
    let answer = source.appended(more.command).await.unwrap();
    assert_eq!(import.log().appended(more.command).await.unwrap(), answer);
}

/// Stores something else than it is given.
struct Altering<'a>(&'a SqliteImport, fn(&mut StoredBatch));

#[async_trait]
impl Import for Altering<'_> {
    fn log(&self) -> Arc<dyn EventStore> {
        self.0.log()
    }

    async fn import(&self, batch: &StoredBatch) -> Result<(), ImportError> {
        let mut batch = batch.clone();
        self.1(&mut batch);
        self.0.import(&batch).await
    }
}

#[tokio::test]
async fn what_the_target_made_of_it_is_read_again_before_it_is_called_done() {
    let alterations: [fn(&mut StoredBatch); 3] = [
        |batch| batch.events[1].metadata.push(' '),
        |batch| batch.events[1].payload.push(b' '),
        |batch| batch.commands[0].fingerprint[0] ^= 1,
    ];
    for (position, alteration) in [2, 2, 1].into_iter().zip(alterations) {
        let temp = TempDir::new().unwrap();
        let source = open(&temp.path().join("log.db")).await;
        source
            .append(sample("a-1", Expected::NoStream, 3))
            .await
            .unwrap();
        let import = target(&temp).await;
        let failed = copied(&source, &Altering(&import, alteration)).await;
        assert!(
            matches!(failed, Err(CopyError::Differs(Position(at))) if at == position),
            "{failed:?}"
        );
    }
}
