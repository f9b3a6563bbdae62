//! What workers measured of listeners.

use std::time::Duration;

use domain::WorkerId;
use domain::run::RunSource;
use domain::series::{BUCKETS, Histogram, LagThen, Measured, Point, Span, bucket};
use uuid::Uuid;

use super::sample::{claim, group, owner, take};
use super::{Opener, claims};
use crate::journal::Journal;

claims![
    what_a_worker_measured_is_added_up_in_short_and_in_long_steps,
    what_several_workers_measured_is_shown_together,
    a_time_in_which_nothing_was_measured_has_points_without_lag,
];

const ONE: WorkerId = WorkerId(Uuid::from_u128(1));
const OTHER: WorkerId = WorkerId(Uuid::from_u128(2));

fn measured(received: u64, millis: u64, lag: Option<u64>) -> Measured {
    let mut counts = [0; BUCKETS];
    counts[bucket(Duration::from_millis(millis))] = received;
    Measured {
        received,
        succeeded: received,
        calls: received + 1,
        failed_calls: 1,
        took: Histogram::of(counts),
        lag: lag.map(|messages| LagThen {
            messages,
            seconds: None,
        }),
        ..Measured::default()
    }
}

async fn record(journal: &Journal, worker: WorkerId, measured: Measured) {
    let measured = vec![(group(), measured)];
    journal.record(worker, measured).await.unwrap();
}

/// The second by the store's clock, as the claim of a message tells it.
async fn now(journal: &Journal) -> i64 {
    let listener = super::sample::listener(journal).await;
    let run = take(journal, claim(listener, 1)).await.unwrap();
    let run = journal.run(&owner(), run.run_id).await.unwrap();
    run.unwrap().claimed_at.as_second()
}

/// All that was measured, whenever that was: in steps of that many seconds.
async fn told(journal: &Journal, group: Uuid, step: i64) -> Vec<Point> {
    let now = now(journal).await;
    let from = (now - 600).div_euclid(step) * step;
    let span = Span {
        from,
        until: from + 600 + step,
        step,
    };
    journal.series(vec![(group, span)]).await.unwrap().remove(0)
}

/// The points in which something happened.
fn busy(points: Vec<Point>) -> Vec<Measured> {
    let measured = points.into_iter().map(|point| point.measured);
    measured.filter(|measured| !measured.is_idle()).collect()
}

async fn what_a_worker_measured_is_added_up_in_short_and_in_long_steps(open: Opener) {
    let journal = open().await;
    record(&journal, ONE, measured(3, 5, Some(9))).await;
    record(&journal, ONE, measured(97, 500, Some(4))).await;
    drop(journal);
    let journal = open().await;
    for step in [10, 300] {
        // The two may be in two steps, if time went on meanwhile.
        let mut all = Measured::default();
        for measured in busy(told(&journal, group(), step).await) {
            all.then(&measured);
        }
        assert_eq!((all.received, all.succeeded), (100, 100), "{step}");
        assert_eq!((all.calls, all.failed_calls), (102, 2), "{step}");
        assert!(all.took.quantile(0.02) < Some(Duration::from_millis(7)));
        assert!(all.took.quantile(0.5) >= Some(Duration::from_millis(500)));
        let lag = LagThen {
            messages: 4,
            seconds: None,
        };
        assert_eq!(all.lag, Some(lag), "{step}");
    }
}

async fn what_several_workers_measured_is_shown_together(open: Opener) {
    let journal = open().await;
    let both = vec![
        (group(), measured(1, 5, Some(2))),
        (Uuid::from_u128(99), measured(50, 5, None)),
    ];
    journal.record(ONE, both).await.unwrap();
    record(&journal, OTHER, measured(10, 5, Some(30))).await;
    let mut points = busy(told(&journal, group(), 300).await);
    // The two may be in two steps, if time went on meanwhile.
    let last = points.pop().unwrap();
    let received: u64 = points.iter().map(|measured| measured.received).sum();
    assert_eq!(received + last.received, 11);
    if points.is_empty() {
        assert_eq!(last.lag.unwrap().messages, 32);
    }
}

async fn a_time_in_which_nothing_was_measured_has_points_without_lag(open: Opener) {
    let journal = open().await;
    let points = told(&journal, Uuid::nil(), 10).await;
    assert_eq!(points.len(), 61);
    assert!(points.is_sorted_by_key(|point| point.at));
    let idle = Measured::default();
    assert!(points.iter().all(|point| point.measured == idle));
}
