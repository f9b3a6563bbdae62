//! Discovering the topics of a broker again.

use async_graphql::{ID, InputObject};
use domain::broker::DiscoverTopics;
use domain::{BrokerId, Position, Refusal};

use super::probe::look;
use crate::id;
use crate::job::payload::BrokerJobPayload;
use crate::job::{JobWork, Reached};
use crate::mutation::call::Task;
use crate::mutation::{Call, Mutation, NotDone, Once, Target, Terms, arguments};
use crate::user_error::UserError;

/// Options for discovering topics.
#[derive(InputObject)]
pub struct BrokerTopicsDiscoverInput {
    /// How long the answer waits for the job to end: 0 to 30,000.
    #[graphql(default = 20_000)]
    pub wait_ms: u32,
    #[graphql(flatten)]
    pub once: Once,
}

impl Mutation for BrokerTopicsDiscoverInput {
    type Id = ID;
    type Target = BrokerId;
    type Payload = BrokerJobPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<BrokerId, UserError> {
        arguments::id(id, id::broker)
    }

    async fn run(&self, call: &Call<'_>, broker: &BrokerId) -> Result<Position, NotDone> {
        let shown = broker.find(call.ctx, Position::default()).await?;
        let shown = shown.ok_or(UserError::from(Refusal::BrokerGone))?;
        let (broker, settings) = (*broker, shown.0.settings);
        let discover = async move |task: Task| {
            let probe = look(&task, &settings).await?;
            let command = DiscoverTopics { broker, probe };
            let engine = &task.control.engine;
            let position = Call::end(engine.discover(&command, &task.request).await)?;
            Ok(Reached { broker, position })
        };
        call.job(JobWork::BrokerTopicsDiscover, self.wait_ms, discover)
            .await
    }
}
