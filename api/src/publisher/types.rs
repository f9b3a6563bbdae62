//! The publisher type.

use async_graphql::{Context, ID, Object, Result};

use crate::algorithm::Algorithm;
use crate::broker::Broker;
use crate::event::{self, Event};
use crate::id::GlobalId;
use crate::scalar::{DateTime, Revision};
use crate::topic::Topic;
use crate::view::View;

pub struct Publisher(
    pub(crate) projections::publisher::Publisher,
    pub(crate) View,
);

/// A topic that takes the results of an algorithm's successful runs.
#[Object]
impl Publisher {
    /// Its global id.
    pub async fn id(&self) -> ID {
        GlobalId::Publisher(self.0.id.clone()).encode()
    }

    /// Whether results are published.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// The version selector. Results of every version that it matches are published; for `latest`,
    /// those of the newest.
    async fn version_selector(&self) -> String {
        self.0.version.to_string()
    }

    /// The topic that it writes to.
    async fn topic(&self) -> Option<Result<Topic>> {
        let topic = self.0.id.topic.clone();
        Some(Ok(Topic::of_id(topic, self.1.clone())))
    }

    /// Identifies the state that is shown; mutations take it as `expectedRevision`.
    async fn revision(&self) -> Revision {
        Revision(Some(self.0.revision))
    }

    /// When it last changed.
    async fn changed_at(&self) -> DateTime {
        DateTime(self.0.changed_at)
    }

    /// The event that made a policy enable or disable it; null if a request did.
    async fn changed_because(&self, ctx: &Context<'_>) -> Option<Result<Event>> {
        event::because(ctx, self.0.cause.as_deref()?)
            .await
            .transpose()
    }

    /// The broker of its topic.
    async fn broker(&self) -> Option<Result<Broker>> {
        self.1.find(self.0.id.topic.broker, Broker).await
    }

    /// The algorithm whose results are published.
    async fn algorithm(&self) -> Option<Result<Algorithm>> {
        self.1.find(self.0.id.algorithm.clone(), Algorithm).await
    }
}
