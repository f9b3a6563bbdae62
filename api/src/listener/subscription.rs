//! Following what a listener does.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, ID, Result, Subscription};
use domain::series::{KEPT, Point, Span};
use futures_util::{Stream, StreamExt, stream};
use tokio::time::sleep;
use uuid::Uuid;

use super::series::{ListenerSeriesPoint, MOST};
use crate::control::Control;
use crate::error::{Code, fault, invalid};
use crate::id;
use crate::scalar::DateTime;
use crate::view::View;

/// How many seconds after its end a step is complete: workers write every ten seconds, what happened
/// five seconds ago on average, and a write takes a moment.
const COMPLETE_AFTER: i64 = 7;

#[derive(Default)]
pub struct ListenerSubscription;

#[Subscription]
impl ListenerSubscription {
    /// What a listener does, in steps of 10 seconds: the last one that is complete, and then each when
    /// it is, some 10 seconds after its end. With `after`, the steps that begin after that time, at
    /// most 1,000, and then the same.
    async fn listener_series(
        &self,
        ctx: &Context<'_>,
        id: ID,
        after: Option<DateTime>,
    ) -> Result<impl Stream<Item = Result<ListenerSeriesPoint>> + use<>> {
        let listener = View::live(ctx).load(id::known(&id, id::listener)?).await?;
        let listener = listener.ok_or_else(|| invalid("there is no such listener"))?;
        let followed = Followed {
            control: Arc::clone(ctx.data_unchecked::<Arc<Control>>()),
            group: listener.group,
            next: after.map(|after| after.0.as_second() + 1),
        };
        let points = stream::unfold(Some(followed), async |followed| {
            let mut followed = followed?;
            match followed.points().await {
                Ok(points) => Some((points.into_iter().map(Ok).collect(), Some(followed))),
                Err(error) => Some((vec![Err(error)], None)),
            }
        });
        Ok(points.flat_map(|points: Vec<_>| stream::iter(points)))
    }
}

/// A listener that is followed.
struct Followed {
    control: Arc<Control>,
    group: Uuid,
    /// The second from which on nothing was told yet; none before the first.
    next: Option<i64>,
}

impl Followed {
    /// The next steps that are complete, once there are any.
    async fn points(&mut self) -> Result<Vec<ListenerSeriesPoint>> {
        let step = KEPT[0].step;
        let until = loop {
            let now = self.control.engine.now().as_second();
            let until = (now - COMPLETE_AFTER - step).div_euclid(step) * step;
            let next = self.next.unwrap_or(until - step);
            if next < until {
                break until;
            }
            // Nobody waits for less than a second, or beyond the next step.
            let left = u64::try_from(next + step - until).unwrap_or_default();
            sleep(Duration::from_secs(left.clamp(1, 10))).await;
        };
        let next = self.next.unwrap_or(until - step);
        let first = (next + step - 1).div_euclid(step) * step;
        let span = Span {
            from: first.max(until - step * i64::from(MOST)),
            until,
            step,
        };
        self.next = Some(until);
        let read = self.control.runs.series(vec![(self.group, span)]).await;
        let read = read.map_err(|cause| fault(Code::Unavailable, &cause))?;
        let points = read.into_iter().flatten();
        Ok(points.map(|point: Point| point.into()).collect())
    }
}
