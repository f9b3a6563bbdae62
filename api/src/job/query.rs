//! Reading a job.

use async_graphql::{Context, ID, Object, Result};

use super::Job;
use super::registry::JobId;
use crate::control::control;
use crate::id;
use crate::view::View;

#[derive(Default)]
pub struct JobQuery;

#[Object]
impl JobQuery {
    /// The job with this id, as it is now; null if this server does not know it. If you did not
    /// wait for it, its result is here.
    async fn job(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Job>> {
        let known = id::known(&id, id::job);
        known.map(|id| find(ctx, id)).transpose()
    }
}

/// The job of that id, as it is now.
pub(crate) fn find(ctx: &Context<'_>, id: JobId) -> Option<Job> {
    let state = control(ctx).jobs.follow(id)?.borrow().clone();
    Some(Job(state, View::live(ctx)))
}
