//! Following a job.

use async_graphql::{Context, ID, Result, Subscription};
use futures_util::{Stream, StreamExt, stream};

use super::Job;
use crate::control::control;
use crate::error::invalid;
use crate::id;
use crate::view::View;

#[derive(Default)]
pub struct JobSubscription;

#[Subscription]
impl JobSubscription {
    /// A job in its current state, and again whenever it has made progress; completes after the
    /// job has ended. Progress that is faster than the reader is sent together.
    async fn job(&self, ctx: &Context<'_>, id: ID) -> Result<impl Stream<Item = Job> + use<>> {
        let job = control(ctx).jobs.follow(id::known(&id, id::job)?);
        let job = job.ok_or_else(|| invalid("this server does not know this job"))?;
        let view = View::live(ctx);
        let jobs = stream::unfold((Some(job), true), async |(job, first)| {
            let mut job = job?;
            if !first {
                job.changed().await.ok()?;
            }
            let state = job.borrow_and_update().clone();
            let ended = state.has_ended();
            Some((state, ((!ended).then_some(job), false)))
        });
        Ok(jobs.map(move |state| Job(state, view.clone())))
    }
}
