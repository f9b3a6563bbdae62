//! Earlier moments: what they show, what they start from, and what is left of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::{Clock, Event, Position};
use event_store::{EventStore, SqliteEventStore};
use futures_util::future::join_all;
use jiff::Timestamp;
use projections::listener::ListenerFilter;
use projections::organization::OrganizationFilter;
use projections::{Moment, Past, PastError, PastLimits, ReadModel};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::dump;
use crate::events::everything;
use crate::fixture::{Fixture, all, append};

/// A clock that is a second later whenever it is looked at.
#[derive(Default)]
struct Seconds(AtomicI64);

impl Clock for Seconds {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.fetch_add(1, Ordering::SeqCst)).unwrap()
    }
}

/// A log of everything that happens, and the directory of its past.
struct History {
    directory: TempDir,
    store: Arc<dyn EventStore>,
    length: u64,
}

impl History {
    async fn of(events: &[Event]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log.db");
        let store = SqliteEventStore::open(&log, Arc::new(Seconds::default())).await;
        let store: Arc<dyn EventStore> = Arc::new(store.unwrap());
        append(store.as_ref(), events).await;
        Self {
            directory,
            store,
            length: events.len().try_into().unwrap(),
        }
    }

    async fn past(&self, limits: PastLimits) -> Past {
        let path = self.directory.path().join("past");
        let past = Past::open(&path, Arc::clone(&self.store), limits).await;
        past.unwrap()
    }

    /// Every row at that position, by the projections alone.
    async fn folded(&self, position: u64) -> Vec<String> {
        let fixture = Fixture::new().await;
        let limit = usize::try_from(position).unwrap();
        if limit > 0 {
            let events = self.store.read_all(Position(0), limit).await.unwrap();
            fixture.apply(&events).await;
        }
        let mut rows = settled(fixture.dump().await);
        // Nobody follows a moment, and its events are those of the present.
        rows.retain(|row| !row.starts_with("changes: ") && !row.starts_with("event_terms: "));
        rows
    }

    /// The files below a folder of the past.
    fn files(&self, folder: &str) -> Vec<PathBuf> {
        let past = self.directory.path().join("past");
        let shape = std::fs::read_dir(past).unwrap().next().unwrap().unwrap();
        let files = std::fs::read_dir(shape.path().join(folder)).unwrap();
        let files = files.map(|file| file.unwrap().path());
        files.filter(|file| is_database(file)).collect()
    }

    /// Every row of the moment that is open alone.
    async fn rows(&self) -> Vec<String> {
        let [file] = &self.files("moments")[..] else {
            panic!("one moment is open");
        };
        settled(dump::sqlite(file).await)
    }
}

/// Without the positions of assignments, which depend on how events came in batches: they are only
/// never too early.
fn settled(mut rows: Vec<String>) -> Vec<String> {
    for row in rows
        .iter_mut()
        .filter(|row| row.starts_with("assignments:"))
    {
        let end = row.rfind(" | position:").unwrap();
        row.truncate(end);
    }
    rows
}

fn is_database(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "db")
}

/// Snapshots at every third event, and no moment kept.
fn few() -> PastLimits {
    PastLimits {
        spacing: 3,
        snapshots: 1000,
        moments: 0,
        patience: Duration::from_secs(60),
        ..PastLimits::default()
    }
}

async fn with_snapshots(history: &History, limits: PastLimits) -> Past {
    let past = history.past(limits).await;
    while past.snapshot().await.unwrap() {}
    past
}

#[tokio::test]
async fn every_moment_is_the_fold_of_the_log_up_to_it_from_snapshots_or_from_nothing() {
    let history = History::of(&everything()).await;
    let bare = history.past(few()).await;
    for position in 0..=history.length {
        let moment = bare.at(Position(position)).await.unwrap();
        assert_eq!(moment.model().position(), Position(position));
        assert_eq!(history.rows().await, history.folded(position).await);
    }
    drop(bare);
    let past = with_snapshots(&history, few()).await;
    let every_third: Vec<Position> = (1..=history.length / 3).map(|n| Position(n * 3)).collect();
    assert!(every_third.len() > 3);
    assert_eq!(past.snapshots(), every_third);
    for position in (0..=history.length).rev() {
        let _moment = past.at(Position(position)).await.unwrap();
        assert_eq!(history.rows().await, history.folded(position).await);
    }
}

#[tokio::test]
async fn a_moment_may_start_from_one_that_is_open() {
    let history = History::of(&everything()).await;
    let past = history
        .past(PastLimits {
            moments: 4,
            ..few()
        })
        .await;
    let held = past.at(Position(history.length - 3)).await.unwrap();
    let later = past.at(Position(history.length)).await.unwrap();
    assert_eq!(held.model().position(), Position(history.length - 3));
    let rows = |moment: Arc<Moment>| async move {
        let listeners = moment
            .model()
            .page(&ListenerFilter::default(), &all())
            .await;
        listeners.unwrap().rows
    };
    let whole = Fixture::after(&[]).await;
    let events = history.store.read_all(Position(0), 1000).await.unwrap();
    whole.apply(&events).await;
    let listeners = whole.model.page(&ListenerFilter::default(), &all()).await;
    assert_eq!(rows(later).await, listeners.unwrap().rows);
}

#[tokio::test]
async fn readers_of_one_moment_share_it_and_its_file_goes_after_the_last() {
    let history = History::of(&everything()).await;
    let past = history.past(few()).await;
    let asked = (0..20).map(|_| past.at(Position(5)));
    let mut moments: Vec<_> = join_all(asked)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(history.files("moments").len(), 1);
    let last = moments.pop().unwrap();
    assert!(moments.iter().all(|moment| Arc::ptr_eq(moment, &last)));
    drop(moments);
    assert_eq!(
        last.model()
            .page(&OrganizationFilter::default(), &all())
            .await
            .unwrap()
            .rows
            .len(),
        1
    );
    drop(last);
    assert_eq!(history.files("moments"), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn moments_that_nobody_reads_are_kept_up_to_a_bound() {
    let history = History::of(&everything()).await;
    let past = history
        .past(PastLimits {
            moments: 2,
            ..few()
        })
        .await;
    for position in 1..=history.length {
        past.at(Position(position)).await.unwrap();
    }
    // The last one may not have made room yet.
    assert!((2..=3).contains(&history.files("moments").len()));
}

#[tokio::test]
async fn too_many_snapshots_double_their_spacing_also_by_bytes_and_after_a_restart() {
    let history = History::of(&everything()).await;
    let limits = PastLimits {
        spacing: 1,
        snapshots: 4,
        ..few()
    };
    let past = with_snapshots(&history, limits).await;
    let kept = past.snapshots();
    assert!((2..=4).contains(&kept.len()), "{kept:?}");
    let gap = kept[1].0 - kept[0].0;
    assert!(gap.is_power_of_two() && gap > 1, "{kept:?}");
    assert!(kept.windows(2).all(|pair| pair[1].0 - pair[0].0 == gap));
    assert!(history.length - kept.last().unwrap().0 < gap);
    drop(past);
    let again = with_snapshots(&history, limits).await;
    assert_eq!(again.snapshots(), kept);
    drop(again);
    let bytes = PastLimits {
        snapshot_bytes: 1,
        ..limits
    };
    assert!(with_snapshots(&history, bytes).await.snapshots().len() <= 2);
}

#[tokio::test]
async fn what_is_half_made_of_another_shape_or_of_another_log_is_gone_after_a_start() {
    let history = History::of(&everything()).await;
    drop(with_snapshots(&history, few()).await);
    let snapshots = history.files("snapshots");
    let folder = snapshots[0].parent().unwrap();
    let shape = folder.parent().unwrap();
    std::fs::write(folder.join("9-half.part"), "half").unwrap();
    std::fs::write(
        folder.join(format!("6-{}.db", uuid::Uuid::nil())),
        "foreign",
    )
    .unwrap();
    std::fs::write(shape.join("moments/5-0.db"), "half").unwrap();
    std::fs::create_dir(shape.with_file_name("older")).unwrap();
    let past = history.past(few()).await;
    assert_eq!(history.files("snapshots").len(), snapshots.len());
    assert!(!folder.join("9-half.part").exists());
    assert_eq!(history.files("moments"), Vec::<PathBuf>::new());
    assert!(!shape.with_file_name("older").exists());
    let _moment = past.at(Position(8)).await.unwrap();
    assert_eq!(history.rows().await, history.folded(8).await);
}

#[tokio::test]
async fn a_time_is_the_last_event_recorded_by_then() {
    let history = History::of(&everything()).await;
    let past = history.past(few()).await;
    let events = history.store.read_all(Position(0), 1000).await.unwrap();
    let second = jiff::SignedDuration::from_secs(1);
    let before = events[0].recorded_at - second;
    assert_eq!(past.position_at(before).await.unwrap(), Position(0));
    for event in &events {
        let at = past.position_at(event.recorded_at).await.unwrap();
        assert_eq!(at, event.position);
        let micro = jiff::SignedDuration::from_micros(1);
        let just_before = past.position_at(event.recorded_at - micro).await.unwrap();
        assert_eq!(just_before.0, event.position.0 - 1);
    }
    let late = events.last().unwrap().recorded_at + second;
    let end = past.position_at(late).await.unwrap();
    assert_eq!(end, Position(history.length));
    let empty = past.at(Position(0)).await.unwrap();
    assert_eq!(
        empty
            .model()
            .page(&OrganizationFilter::default(), &all())
            .await
            .unwrap()
            .rows,
        []
    );
}

#[tokio::test]
async fn the_future_has_no_moment_until_it_is_there() {
    let history = History::of(&everything()).await;
    let past = history.past(few()).await;
    let wanted = Position(history.length + 1);
    let future = past.at(wanted).await;
    assert!(matches!(future, Err(PastError::Future { head, .. }) if head.0 == history.length));
}

#[tokio::test]
async fn snapshots_are_made_in_the_background_until_the_end() {
    let history = History::of(&everything()).await;
    let past = history.past(few()).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(past.clone().run(stop.clone()));
    let all = usize::try_from(history.length / 3).unwrap();
    while past.snapshots().len() < all {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    running.await.unwrap();
    // A snapshot is a whole file of its own: it opens as a read model.
    let mut files = history.files("snapshots");
    let copy = history.directory.path().join("copy.db");
    std::fs::copy(files.pop().unwrap(), &copy).unwrap();
    let model = ReadModel::open(&copy).await.unwrap();
    assert!(model.position().0.is_multiple_of(3));
}
