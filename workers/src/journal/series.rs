//! What workers measured of listeners, as stored.

use domain::series::{Histogram, KEPT, LagThen, Measured};

/// Seconds after which a step is taken to have ended when what happened in it is written down: half the
/// time between two writes.
const LATE: i64 = 5;

/// Points that are deleted together.
pub(super) const FORGOTTEN_TOGETHER: i64 = 5000;

/// A row of the table `series`, but for its key.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Received, succeeded, dead-lettered, filtered, dropped, calls, failed calls.
    pub(super) counts: [i64; 7],
    pub(super) took: Vec<u8>,
    pub(super) lag: Option<i64>,
    pub(super) lag_seconds: Option<i64>,
}

/// The steps that are written at `now`, and when the one that is going on in each began. In seconds.
pub(super) fn steps(now_micros: i64) -> impl Iterator<Item = (i64, i64)> {
    let second = now_micros.div_euclid(1_000_000) - LATE;
    let began = move |step: i64| second.div_euclid(step) * step;
    KEPT.into_iter()
        .map(move |kept| (kept.step, began(kept.step)))
}

/// The steps, and the second before which their points are forgotten.
pub(super) fn forgotten(now_micros: i64) -> impl Iterator<Item = (i64, i64)> {
    let second = now_micros.div_euclid(1_000_000);
    KEPT.into_iter()
        .map(move |kept| (kept.step, second - kept.keep))
}

impl Row {
    pub(super) fn of(measured: &Measured) -> Self {
        let stored = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let counts = [
            measured.received,
            measured.succeeded,
            measured.dead_lettered,
            measured.filtered,
            measured.dropped,
            measured.calls,
            measured.failed_calls,
        ];
        Self {
            counts: counts.map(stored),
            took: measured.took.encode(),
            lag: measured.lag.map(|lag| stored(lag.messages)),
            lag_seconds: measured.lag.and_then(|lag| lag.seconds).map(stored),
        }
    }

    pub(super) fn read(self) -> Measured {
        let count = |stored: i64| u64::try_from(stored).unwrap_or_default();
        let [
            received,
            succeeded,
            dead_lettered,
            filtered,
            dropped,
            calls,
            failed_calls,
        ] = self.counts.map(count);
        Measured {
            received,
            succeeded,
            dead_lettered,
            filtered,
            dropped,
            calls,
            failed_calls,
            // One that is damaged is as good as none: nothing but a picture depends on it.
            took: Histogram::decode(&self.took).unwrap_or_default(),
            lag: self.lag.map(|lag| LagThen {
                messages: count(lag),
                seconds: self.lag_seconds.map(count),
            }),
        }
    }
}
