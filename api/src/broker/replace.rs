//! Replacing a broker by another.

use async_graphql::{Context, ID, InputObject};
use domain::broker::ReplaceBroker;
use domain::{BrokerId, Position, Thing};

use super::Broker;
use super::replacement::{in_use, moved};
use crate::control::control;
use crate::id;
use crate::job::payload::BrokerJobPayload;
use crate::job::{JobWork, Reached};
use crate::listener::settings::ListenerStartInput;
use crate::mutation::call::Task;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Target, Terms, arguments};
use crate::user_error::UserError;

/// The broker that takes over, and how.
#[derive(InputObject)]
pub struct BrokerReplaceInput {
    /// A connected broker of the same kind.
    pub replacement_id: ID,
    /// Go on even if the replacement lacks topics; what depends on those topics is ended.
    #[graphql(default)]
    pub leave_missing: bool,
    /// Where listeners begin on the new broker, on which they have no position yet; by default, where
    /// each was set to begin. Not allowed on brokers that keep no positions.
    pub start: Option<ListenerStartInput>,
    /// How long the answer waits for the job to end: 0 to 30,000.
    #[graphql(default = 20_000)]
    pub wait_ms: u32,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

/// A broker and the one that takes over, which the payload shows.
pub(crate) struct Replacement {
    broker: BrokerId,
    replacement: BrokerId,
}

impl Target for Replacement {
    type Entity = Broker;

    fn thing(&self) -> Option<Thing> {
        Some(Thing::Broker(self.broker))
    }

    async fn find(
        &self,
        ctx: &Context<'_>,
        position: Position,
    ) -> async_graphql::Result<Option<Broker>> {
        self.replacement.find(ctx, position).await
    }
}

impl Mutation for BrokerReplaceInput {
    type Id = ID;
    type Target = Replacement;
    type Payload = BrokerJobPayload;

    const FORBIDS: bool = true;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<Replacement, UserError> {
        Ok(Replacement {
            broker: arguments::id(id, id::broker)?,
            replacement: arguments::id_in(&self.replacement_id, id::broker, "replacementId")?,
        })
    }

    async fn run(&self, call: &Call<'_>, target: &Replacement) -> Result<Position, NotDone> {
        let start = self.start.as_ref();
        let start = start.map(|start| start.position(&["input", "start", "time"]));
        let (broker, replacement) = (target.broker, target.replacement);
        let topics = in_use(control(call.ctx), broker).await?;
        let command = ReplaceBroker {
            broker,
            replacement,
            topics,
            leave_missing: self.leave_missing,
            start: start.transpose()?,
        };
        let replace = async move |task: Task| {
            let outcome = task.control.engine.execute(&command, &task.request).await;
            let position = Call::end(outcome)?;
            moved(&task, broker).await?;
            Ok(Reached {
                broker: replacement,
                position,
            })
        };
        call.job(JobWork::BrokerReplace, self.wait_ms, replace)
            .await
    }
}
