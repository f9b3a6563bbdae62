//! The answer of a mutation that begins a job.

use async_graphql::{ComplexObject, Context, SimpleObject};

use super::query::find;
use super::{Job, JobId};
use crate::broker::Broker;
use crate::mutation::{Call, Payload};
use crate::scalar::Position;
use crate::user_error::{UserError, Warning};

/// The answer of a mutation of a broker that begins a job. If the job did not end within `waitMs`,
/// the answer contains only the job.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct BrokerJobPayload {
    /// Its current state; null if it no longer exists, if the mutation was refused, while the job
    /// is running, or if it cannot be shown yet.
    pub broker: Option<Broker>,
    /// Why the mutation did nothing; empty if it succeeded, and while the job is running.
    pub user_errors: Vec<UserError>,
    /// What was done but deserves a second look.
    pub warnings: Vec<Warning>,
    /// The position of the mutation's last event; null if it was refused, and while the job is
    /// running.
    pub position: Option<Position>,
    #[graphql(skip)]
    job: Option<JobId>,
}

#[ComplexObject]
impl BrokerJobPayload {
    /// The job; null if the mutation was refused before it began one, or was done so long ago that
    /// the job has been forgotten.
    async fn job(&self, ctx: &Context<'_>) -> Option<Job> {
        find(ctx, self.job?)
    }
}

impl Payload for BrokerJobPayload {
    type Entity = Broker;

    fn done(broker: Option<Broker>, warnings: Vec<Warning>, position: domain::Position) -> Self {
        Self {
            broker,
            user_errors: Vec::new(),
            warnings,
            position: Some(Position(position)),
            job: None,
        }
    }

    fn not_done(user_errors: Vec<UserError>) -> Self {
        Self {
            broker: None,
            user_errors,
            warnings: Vec::new(),
            position: None,
            job: None,
        }
    }

    fn of_call(self, call: &Call<'_>) -> Self {
        let job = Some(call.request().command.into());
        Self { job, ..self }
    }
}
