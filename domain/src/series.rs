//! What a listener did over time: counts, the time that calls took, and the lag, in steps.

mod histogram;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use histogram::{BUCKETS, Histogram, bucket};

/// The steps in which points are kept, and how long.
pub const KEPT: [Kept; 2] = [
    Kept {
        step: 10,
        keep: 24 * 60 * 60,
    },
    Kept {
        step: 300,
        keep: 31 * 24 * 60 * 60,
    },
];

/// The steps in which points are shown, in seconds: each fits into the next but one, and all are
/// multiples of those that are kept.
const SHOWN: [i64; 10] = [10, 30, 60, 300, 900, 1800, 3600, 10_800, 21_600, 86_400];

/// A step in which points are kept. Both in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    pub step: i64,
    pub keep: i64,
}

/// What happened within one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    pub received: u64,
    pub succeeded: u64,
    pub dead_lettered: u64,
    pub filtered: u64,
    pub dropped: u64,
    /// Calls that ended.
    pub calls: u64,
    /// Those among them that did not succeed.
    pub failed_calls: u64,
    /// How long they took.
    pub took: Histogram,
    /// None where it was not measured.
    pub lag: Option<LagThen>,
}

/// How far a listener was behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LagThen {
    pub messages: u64,
    /// How old the oldest message was, in seconds; none where that is not known.
    pub seconds: Option<u64>,
}

/// A step of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// When it begins.
    pub at: Timestamp,
    pub measured: Measured,
}

/// Which points are asked for: those that begin within a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// A multiple of the step, in seconds since 1970.
    pub from: i64,
    /// Exclusive, in seconds since 1970.
    pub until: i64,
    /// In seconds.
    pub step: i64,
}

/// A time that no series is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSpan {
    #[error("the end must be after the beginning")]
    Backwards,
    #[error("the time is too long")]
    TooLong,
}

impl Measured {
    /// Adds what another worker measured in the same step.
    pub fn beside(&mut self, other: &Self) {
        self.add(other);
        self.lag = match (self.lag, other.lag) {
            (Some(one), Some(other)) => Some(LagThen {
                messages: one.messages.saturating_add(other.messages),
                seconds: one.seconds.max(other.seconds),
            }),
            (one, other) => one.or(other),
        };
    }

    /// Adds what came after it; of the lag, the last that is known counts.
    pub fn then(&mut self, next: &Self) {
        self.add(next);
        self.lag = next.lag.or(self.lag);
    }

    fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.succeeded += other.succeeded;
        self.dead_lettered += other.dead_lettered;
        self.filtered += other.filtered;
        self.dropped += other.dropped;
        self.calls += other.calls;
        self.failed_calls += other.failed_calls;
        self.took.add(&other.took);
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let Self {
            received,
            succeeded,
            dead_lettered,
            filtered,
            dropped,
            calls,
            ..
        } = self;
        let counts = [received, succeeded, dead_lettered, filtered, dropped, calls];
        counts.iter().all(|count| **count == 0)
    }
}

impl Span {
    /// The shortest steps, of those that are kept of that time, that make no more than `most` points.
    ///
    /// # Errors
    /// There is no such time.
    pub fn new(
        from: Timestamp,
        until: Timestamp,
        most: u32,
        now: Timestamp,
    ) -> Result<Self, NoSpan> {
        let (from, until) = (from.as_second(), until.as_second());
        if until <= from {
            return Err(NoSpan::Backwards);
        }
        let oldest_fine = now.as_second().saturating_sub(KEPT[0].keep);
        let shortest = if from < oldest_fine {
            KEPT[1].step
        } else {
            KEPT[0].step
        };
        let fits = |step: &i64| {
            let first = from.div_euclid(*step);
            let last = (until - 1).div_euclid(*step);
            *step >= shortest && last - first < i64::from(most)
        };
        let step = SHOWN.into_iter().find(fits).ok_or(NoSpan::TooLong)?;
        Ok(Self {
            from: from.div_euclid(step) * step,
            until,
            step,
        })
    }

    /// The step in which what is shown is kept.
    #[must_use]
    pub fn kept(&self) -> Kept {
        let coarse = KEPT[1];
        if self.step % coarse.step == 0 {
            coarse
        } else {
            KEPT[0]
        }
    }

    /// One point for each step, of what is kept in shorter ones, by the second at which it begins and
    /// in its order, that of several workers side by side.
    #[must_use]
    pub fn points(&self, kept: Vec<(i64, Measured)>) -> Vec<Point> {
        let mut moments: Vec<(i64, Measured)> = Vec::with_capacity(kept.len());
        for (at, measured) in kept {
            match moments.last_mut() {
                Some((last, beside)) if *last == at => beside.beside(&measured),
                _ => moments.push((at, measured)),
            }
        }
        let mut moments = moments.into_iter().peekable();
        let mut points = Vec::new();
        let mut at = self.from;
        while at < self.until {
            let next = at + self.step;
            let mut measured = Measured::default();
            while let Some((_, then)) = moments.next_if(|(moment, _)| *moment < next) {
                measured.then(&then);
            }
            if let Ok(at) = Timestamp::from_second(at) {
                points.push(Point { at, measured });
            }
            at = next;
        }
        points
    }
}

/// By how many messages the lag changes in a second, as a line through its points says; none where
/// fewer than two are known.
#[must_use]
pub fn trend(points: &[Point]) -> Option<f64> {
    let known = points.iter().filter_map(|point| {
        let lag = point.measured.lag?;
        Some((point.at.as_second() as f64, lag.messages as f64))
    });
    let known: Vec<(f64, f64)> = known.collect();
    let count = known.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| known.iter().map(of).sum::<f64>() / count;
    let (at, messages) = (mean(|known| known.0), mean(|known| known.1));
    let both = known
        .iter()
        .map(|known| (known.0 - at) * (known.1 - messages));
    let spread: f64 = known.iter().map(|known| (known.0 - at).powi(2)).sum();
    (spread > 0.0).then(|| both.sum::<f64>() / spread)
}

/// How far back a trend looks.
pub const TREND: SignedDuration = SignedDuration::from_mins(5);

/// A duration as the histograms show it.
#[must_use]
pub fn seconds(took: Duration) -> f64 {
    took.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn span(from: i64, until: i64, most: u32) -> Result<Span, NoSpan> {
        Span::new(at(NOW + from), at(NOW + until), most, at(NOW))
    }

    fn received(received: u64, lag: Option<u64>) -> Measured {
        Measured {
            received,
            lag: lag.map(|messages| LagThen {
                messages,
                seconds: Some(messages),
            }),
            ..Measured::default()
        }
    }

    #[test]
    fn steps_are_as_short_as_is_kept_and_make_no_more_points_than_asked_for() {
        let day = 24 * 60 * 60;
        for (from, most, step, kept) in [
            (-600, 300, 10, 10),
            (-3600, 300, 30, 10),
            (-day, 300, 300, 300),
            (-day, 1000, 300, 300),
            // The short steps of it are not kept any more.
            (-2 * day, 1000, 300, 300),
            (-31 * day, 300, 10_800, 300),
            (-31 * day, 40, 86_400, 300),
        ] {
            let span = span(from, 0, most).unwrap();
            assert_eq!((span.step, span.kept().step), (step, kept), "{from} {most}");
            assert_eq!(span.from % step, 0);
            assert!(span.points(Vec::new()).len() <= most as usize);
        }
        assert_eq!(span(0, 0, 300), Err(NoSpan::Backwards));
        assert_eq!(span(-365 * day, 0, 100), Err(NoSpan::TooLong));
    }

    #[test]
    fn what_workers_measured_side_by_side_is_added_and_of_the_lag_the_last_counts() {
        let span = Span {
            from: 0,
            until: 60,
            step: 30,
        };
        let kept = vec![
            (0, received(1, Some(10))),
            (0, received(2, Some(20))),
            (20, received(4, Some(5))),
            (20, received(8, None)),
            (30, received(16, None)),
        ];
        let points = span.points(kept);
        let told: Vec<_> = points
            .iter()
            .map(|point| (point.at.as_second(), point.measured.clone()))
            .collect();
        let expected = [(0, received(15, Some(5))), (30, received(16, None))];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_trend_is_the_slope_of_what_is_known_of_the_lag() {
        let point = |second, lag| Point {
            at: at(second),
            measured: received(0, lag),
        };
        let growing = [point(0, Some(10)), point(10, None), point(20, Some(50))];
        assert_eq!(trend(&growing), Some(2.0));
        let steady = [point(0, Some(7)), point(10, Some(7))];
        assert_eq!(trend(&steady), Some(0.0));
        assert_eq!(trend(&growing[..2]), None);
        assert_eq!(trend(&[]), None);
    }
}
