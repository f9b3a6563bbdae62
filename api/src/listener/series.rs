//! What a listener did over time.

use async_graphql::{Context, Object, Result, SimpleObject};
use domain::series::{self, KEPT, Measured, Span, TREND};
use uuid::Uuid;

use crate::control::control;
use crate::error::invalid;
use crate::run::query;
use crate::scalar::{BigInt, DateTime};

/// The most points of one answer, and how many there are unless asked otherwise.
pub(super) const MOST: u32 = 1000;
const DEFAULT: u32 = 300;

pub struct ListenerSeries {
    span: Span,
    points: Vec<series::Point>,
}

/// What a listener did over time, in steps of equal length.
#[Object]
impl ListenerSeries {
    /// How many seconds each point stands for.
    async fn step_seconds(&self) -> u32 {
        u32::try_from(self.span.step).unwrap_or(u32::MAX)
    }

    /// One point for each step, the oldest first.
    async fn points(&self) -> Vec<ListenerSeriesPoint> {
        let points = self.points.iter().cloned();
        points.map(ListenerSeriesPoint::from).collect()
    }

    /// By how many messages the lag grew in a second, over all points; negative if it shrank, null if
    /// it is not known.
    async fn lag_per_second(&self) -> Option<f64> {
        series::trend(&self.points)
    }
}

/// What a listener did within one step.
#[derive(SimpleObject)]
pub struct ListenerSeriesPoint {
    /// When the step begins.
    pub at: DateTime,
    /// Messages received.
    pub received: BigInt,
    /// Messages that the endpoint answered with a result.
    pub succeeded: BigInt,
    /// Messages that went to the dead letter queue.
    pub dead_lettered: BigInt,
    /// Messages that the filter left out.
    pub filtered: BigInt,
    /// Faulty messages that were dropped.
    pub dropped: BigInt,
    /// Calls of the endpoint that ended.
    pub calls: BigInt,
    /// Those of them that failed, whether they counted or not.
    pub failed_calls: BigInt,
    /// How many seconds half of the calls took at most, rounded up by a fifth at most; null if there
    /// were none.
    pub call_seconds_p50: Option<f64>,
    /// How many seconds 99 % of the calls took at most.
    pub call_seconds_p99: Option<f64>,
    /// How many messages it was behind at the end of the step; null where that is not known.
    pub lag_messages: Option<BigInt>,
    /// How many seconds old the oldest of them was.
    pub lag_seconds: Option<BigInt>,
}

impl From<series::Point> for ListenerSeriesPoint {
    fn from(point: series::Point) -> Self {
        let Measured {
            received,
            succeeded,
            dead_lettered,
            filtered,
            dropped,
            calls,
            failed_calls,
            took,
            lag,
        } = point.measured;
        let seconds = |share| took.quantile(share).map(series::seconds);
        Self {
            at: DateTime(point.at),
            received: BigInt(received),
            succeeded: BigInt(succeeded),
            dead_lettered: BigInt(dead_lettered),
            filtered: BigInt(filtered),
            dropped: BigInt(dropped),
            calls: BigInt(calls),
            failed_calls: BigInt(failed_calls),
            call_seconds_p50: seconds(0.5),
            call_seconds_p99: seconds(0.99),
            lag_messages: lag.map(|lag| BigInt(lag.messages)),
            lag_seconds: lag.and_then(|lag| lag.seconds).map(BigInt),
        }
    }
}

/// The series of a listener between two times.
pub(super) async fn between(
    ctx: &Context<'_>,
    group: Uuid,
    from: DateTime,
    until: DateTime,
    points: Option<u32>,
) -> Result<ListenerSeries> {
    let points = points.unwrap_or(DEFAULT);
    if !(1..=MOST).contains(&points) {
        return Err(invalid(format!("points must be 1 to {MOST}")));
    }
    let now = control(ctx).engine.now();
    let span = Span::new(from.0, until.0, points, now);
    let span = span.map_err(|error| invalid(error.to_string()))?;
    read(ctx, group, span).await
}

/// By how many messages the lag of a listener grows in a second now.
pub(super) async fn lag_per_second(ctx: &Context<'_>, group: Uuid) -> Result<Option<f64>> {
    let now = control(ctx).engine.now().as_second();
    let step = KEPT[0].step;
    let span = Span {
        from: (now - TREND.as_secs()).div_euclid(step) * step,
        until: now,
        step,
    };
    Ok(series::trend(&read(ctx, group, span).await?.points))
}

async fn read(ctx: &Context<'_>, group: Uuid, span: Span) -> Result<ListenerSeries> {
    let points = query::series(ctx, group, span).await?;
    Ok(ListenerSeries { span, points })
}
