//! The types of a grant.

use async_graphql::{Context, Enum, ID, Object, Result};
use domain::grant::Access as DomainAccess;

use crate::algorithm::Algorithm;
use crate::broker::Broker;
use crate::error::read_failure;
use crate::id::GlobalId;
use crate::loaders::RowLoader;
use crate::scalar::DateTime;

/// An administrator's permission for an algorithm to read or write a topic.
pub struct Grant(pub projections::grant::Grant);

#[Object]
impl Grant {
    pub async fn id(&self) -> ID {
        let projections::grant::Grant {
            topic,
            algorithm,
            access,
            ..
        } = &self.0;
        GlobalId::Grant(topic.clone(), algorithm.clone(), *access).encode()
    }

    async fn access(&self) -> Access {
        self.0.access.into()
    }

    async fn granted_at(&self) -> DateTime {
        DateTime(self.0.granted_at)
    }

    async fn topic_id(&self) -> ID {
        GlobalId::Topic(self.0.topic.clone()).encode()
    }

    /// The name of the topic on its broker.
    async fn topic_name(&self) -> &str {
        self.0.topic.topic.as_str()
    }

    async fn broker(&self, ctx: &Context<'_>) -> Option<Result<Broker>> {
        let loader = ctx.data_unchecked::<RowLoader>();
        let found = loader.load_one(self.0.topic.connection).await;
        found
            .map(|row| row.map(Broker))
            .map_err(|cause| read_failure(&cause))
            .transpose()
    }

    async fn algorithm(&self, ctx: &Context<'_>) -> Option<Result<Algorithm>> {
        let loader = ctx.data_unchecked::<RowLoader>();
        let found = loader.load_one(self.0.algorithm.clone()).await;
        found
            .map(|row| row.map(Algorithm))
            .map_err(|cause| read_failure(&cause))
            .transpose()
    }
}

/// What a grant permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainAccess")]
pub enum Access {
    /// The algorithm may be fed from the topic.
    Subscribe,
    /// The algorithm's results may be written to the topic.
    Publish,
}
