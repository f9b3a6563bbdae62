//! What resolvers work with: the engine, the read models, the workers, the runs.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Context;
use domain::Actor;
use domain::run::RunSource;
use domain::worker::Confirmations;
use engine::Engine;
use projections::{Past, ReadModel};

use crate::job::Jobs;
use crate::worker::WorkerRequests;

/// How long a mutation waits for the read models to show what it did.
pub(crate) const READ_YOUR_WRITES: Duration = Duration::from_secs(5);

/// The parts behind the API.
pub struct Control {
    pub engine: Arc<Engine>,
    pub model: ReadModel,
    /// The read models of earlier moments.
    pub past: Past,
    pub requests: Arc<WorkerRequests>,
    pub jobs: Jobs,
    /// Whether workers outside of the server are admitted.
    pub remote_workers: bool,
    pub runs: Arc<dyn RunSource>,
    pub confirmations: Arc<dyn Confirmations>,
}

/// On whose behalf a request is executed, and from where.
#[derive(Clone, Debug)]
pub struct Principal {
    pub actor: Actor,
    pub client_address: Option<String>,
}

pub(crate) fn control<'a>(ctx: &Context<'a>) -> &'a Control {
    ctx.data_unchecked::<Arc<Control>>()
}

pub(crate) fn principal<'a>(ctx: &Context<'a>) -> &'a Principal {
    ctx.data_unchecked::<Principal>()
}
