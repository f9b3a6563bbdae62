//! Enabling a publisher.

use async_graphql::{Context, ID, InputObject};
use domain::flow::{Flow, Node};
use domain::publisher::EnablePublisher;
use domain::{Position, PublisherId};

use super::mutation::PublisherPayload;
use crate::cycle;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::{UserError, Warning};

/// A publisher to enable.
#[derive(InputObject)]
pub struct PublisherEnableInput {
    /// A topic that the algorithm may write to.
    pub topic_id: ID,
    /// The algorithm whose results are published.
    pub algorithm_id: ID,
    /// The version selector: `1.2.3`, `1.2.*`, `1.*` or `latest`.
    pub version: String,
    /// Enable it even if messages would go round in a cycle, with a warning instead of a refusal.
    pub allow_cycle: Option<bool>,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for PublisherEnableInput {
    type Id = ();
    type Target = PublisherId;
    type Payload = PublisherPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<PublisherId, UserError> {
        Ok(PublisherId {
            topic: arguments::id_in(&self.topic_id, id::topic, "topicId")?,
            algorithm: arguments::id_in(&self.algorithm_id, id::algorithm, "algorithmId")?,
        })
    }

    async fn run(&self, call: &Call<'_>, publisher: &PublisherId) -> Result<Position, NotDone> {
        let source = Node::Algorithm(publisher.algorithm.clone());
        let command = EnablePublisher {
            publisher: publisher.clone(),
            version: arguments::name_in(&self.version, "version")?,
            flows: cycle::flows_leading_to(call.ctx, &source).await?,
            allow_cycle: self.allow_cycle.unwrap_or_default(),
        };
        call.execute(&command).await
    }

    async fn warnings(
        &self,
        ctx: &Context<'_>,
        publisher: &PublisherId,
        _position: Position,
    ) -> async_graphql::Result<Vec<Warning>> {
        let source = Node::Algorithm(publisher.algorithm.clone());
        let flow = Flow::Publisher(publisher.clone());
        cycle::warnings(ctx, &source, std::iter::once(flow)).await
    }
}
