//! What the consumers of this worker do, counted, for the series of their listeners.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::WorkerId;
use domain::series::{BUCKETS, Histogram, LagThen, Measured, bucket};
use domain::settlement::Decision;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use crate::journal::{Journal, JournalError};
use crate::statuses::Statuses;

/// How often what was counted is written.
const EVERY: Duration = Duration::from_secs(10);

/// How often an idle listener that is not behind is written: once for each of the coarse steps.
const IDLE_EVERY: Duration = Duration::from_secs(300);

/// Listeners that are written together.
const TOGETHER: usize = 256;

/// Counts what one consumer does. Every message passes here, so nothing is locked.
pub(crate) struct Meter {
    received: AtomicU64,
    succeeded: AtomicU64,
    dead_lettered: AtomicU64,
    filtered: AtomicU64,
    dropped: AtomicU64,
    calls: AtomicU64,
    failed_calls: AtomicU64,
    took: [AtomicU64; BUCKETS],
}

/// The meters of a worker, by the consumer groups of the listeners.
#[derive(Default)]
pub(crate) struct Meters(Mutex<HashMap<Uuid, Entry>>);

#[derive(Default)]
struct Entry {
    meter: Arc<Meter>,
    written: Option<Instant>,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            received: AtomicU64::default(),
            succeeded: AtomicU64::default(),
            dead_lettered: AtomicU64::default(),
            filtered: AtomicU64::default(),
            dropped: AtomicU64::default(),
            calls: AtomicU64::default(),
            failed_calls: AtomicU64::default(),
            took: std::array::from_fn(|_| AtomicU64::default()),
        }
    }
}

impl Meter {
    /// Messages were taken for the first time.
    pub(crate) fn received(&self, messages: u64) {
        count(&self.received, messages);
    }

    pub(crate) fn decided(&self, decision: Decision) {
        let counter = match decision {
            Decision::Succeeded => &self.succeeded,
            Decision::DeadLettered => &self.dead_lettered,
            Decision::Filtered => &self.filtered,
            Decision::Dropped => &self.dropped,
        };
        count(counter, 1);
    }

    /// A call has ended.
    pub(crate) fn called(&self, took: Duration, succeeded: bool) {
        count(&self.calls, 1);
        count(&self.failed_calls, u64::from(!succeeded));
        count(&self.took[bucket(took)], 1);
    }

    /// What was counted since it was asked last.
    fn take(&self) -> Measured {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        Measured {
            received: take(&self.received),
            succeeded: take(&self.succeeded),
            dead_lettered: take(&self.dead_lettered),
            filtered: take(&self.filtered),
            dropped: take(&self.dropped),
            calls: take(&self.calls),
            failed_calls: take(&self.failed_calls),
            took: Histogram::of(self.took.iter().map(take)),
            lag: None,
        }
    }
}

fn count(counter: &AtomicU64, more: u64) {
    if more > 0 {
        counter.fetch_add(more, Ordering::Relaxed);
    }
}

impl Meters {
    /// The meter of a listener.
    pub(crate) fn of(&self, group: Uuid) -> Arc<Meter> {
        Arc::clone(&self.entries().entry(group).or_default().meter)
    }

    /// Writes what is counted to the journal until it is cancelled, for all listeners together.
    pub(crate) async fn keep_written(
        &self,
        journal: &Journal,
        worker: WorkerId,
        statuses: &Statuses,
    ) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.write(journal, worker, statuses).await {
                tracing::warn!(%error, "what listeners did could not be written");
            }
        }
    }

    /// Writes what is due. What cannot be written is lost: nothing but a picture depends on it.
    pub(crate) async fn write(
        &self,
        journal: &Journal,
        worker: WorkerId,
        statuses: &Statuses,
    ) -> Result<(), JournalError> {
        let due = self.due(Instant::now(), &statuses.lags());
        for part in due.chunks(TOGETHER) {
            journal.record(worker, part.to_vec()).await?;
        }
        Ok(())
    }

    fn due(&self, now: Instant, lags: &HashMap<Uuid, LagThen>) -> Vec<(Uuid, Measured)> {
        let mut due = Vec::new();
        self.entries().retain(|group, entry| {
            let mut measured = entry.meter.take();
            measured.lag = lags.get(group).copied();
            let is_behind = measured.lag.is_some_and(|lag| lag.messages > 0);
            let is_news = !measured.is_idle() || is_behind;
            let is_late = |written: Instant| now.duration_since(written) >= IDLE_EVERY;
            let is_due = is_news || (measured.lag.is_some() && entry.written.is_none_or(is_late));
            if is_due {
                entry.written = Some(now);
                due.push((*group, measured));
            }
            // Of a consumer that has ended nothing more comes.
            is_due || Arc::strong_count(&entry.meter) > 1
        });
        due
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Uuid, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: Uuid = Uuid::nil();

    fn behind(messages: u64) -> HashMap<Uuid, LagThen> {
        let lag = LagThen {
            messages,
            seconds: Some(0),
        };
        HashMap::from([(GROUP, lag)])
    }

    #[test]
    fn what_was_counted_is_written_once() {
        let meters = Meters::default();
        let meter = meters.of(GROUP);
        meter.received(2);
        meter.called(Duration::from_millis(5), false);
        meter.called(Duration::from_millis(5), true);
        meter.decided(Decision::Succeeded);
        let now = Instant::now();
        let written = meters.due(now, &HashMap::new());
        let measured = &written[0].1;
        assert_eq!((measured.received, measured.succeeded), (2, 1));
        assert_eq!((measured.calls, measured.failed_calls), (2, 1));
        assert!(measured.took.quantile(0.5) >= Some(Duration::from_millis(5)));
        assert_eq!(meters.due(now, &HashMap::new()), []);
    }

    #[test]
    fn a_listener_that_is_behind_is_written_each_time_and_an_idle_one_now_and_then() {
        let meters = Meters::default();
        let _meter = meters.of(GROUP);
        let start = Instant::now();
        let due = |second, messages| {
            let now = start + Duration::from_secs(second);
            meters.due(now, &behind(messages)).len()
        };
        assert_eq!(
            [due(0, 0), due(10, 0), due(20, 7), due(30, 7)],
            [1, 0, 1, 1]
        );
        assert_eq!([due(40, 0), due(320, 0), due(330, 0)], [0, 0, 1]);
    }

    #[test]
    fn a_consumer_that_has_ended_is_written_to_its_end_and_forgotten() {
        let meters = Meters::default();
        meters.of(GROUP).received(1);
        let now = Instant::now();
        assert_eq!(meters.due(now, &HashMap::new()).len(), 1);
        assert_eq!(meters.due(now, &HashMap::new()), []);
        assert!(meters.entries().is_empty());
    }
}
