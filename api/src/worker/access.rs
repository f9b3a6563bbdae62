//! Who may speak for a worker. Until workers have credentials of their own: the worker inside, whose
//! requests the server itself makes, and others where the server is told to admit them.

use async_graphql::{Context, ID, Result};
use domain::{Actor, WorkerId};

use crate::control::{control, principal};
use crate::error::{Code, error, invalid, read_failure};

/// The worker of that id.
///
/// # Errors
/// It is no id, or the caller may not speak for the worker.
pub(super) fn speaking_for(ctx: &Context<'_>, id: &ID) -> Result<WorkerId> {
    let id = id
        .parse()
        .map_err(|_| invalid("a worker's id must be a UUID"))?;
    let worker = WorkerId(id);
    match principal(ctx).actor {
        Actor::Worker { id } if id == worker => Ok(worker),
        _ if control(ctx).remote_workers => Ok(worker),
        _ => Err(forbidden()),
    }
}

/// The same for a worker that has joined.
pub(super) async fn joined(ctx: &Context<'_>, id: &ID) -> Result<WorkerId> {
    let worker = speaking_for(ctx, id)?;
    let joined = control(ctx).model.worker(worker).await;
    match joined.map_err(|cause| read_failure(&cause))? {
        Some(_) => Ok(worker),
        None => Err(invalid(
            "the worker has not joined; call `workerJoin` first",
        )),
    }
}

/// Refuses callers that speak for no worker.
pub(super) fn check_worker(ctx: &Context<'_>) -> Result<()> {
    let is_worker = matches!(principal(ctx).actor, Actor::Worker { .. });
    match is_worker || control(ctx).remote_workers {
        true => Ok(()),
        false => Err(forbidden()),
    }
}

fn forbidden() -> async_graphql::Error {
    let text = "only workers may do this; `--remote-workers` admits workers outside the server";
    error(Code::Forbidden, text)
}
