//! The topic type.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, Object, Result};

use crate::broker::Broker;
use crate::error::read_failure;
use crate::grant::Grant;
use crate::grant::query::grants_where;
use crate::id::GlobalId;
use crate::loaders::RowLoader;
use crate::paging::Cursor;

/// A topic as its broker lists it.
pub struct Topic(pub projections::topic::Topic);

#[Object]
impl Topic {
    pub async fn id(&self) -> ID {
        GlobalId::Topic(self.0.id.clone()).encode()
    }

    async fn name(&self) -> &str {
        self.0.id.topic.as_str()
    }

    /// How many partitions, where the broker has them.
    async fn partitions(&self) -> Option<u32> {
        self.0.partitions
    }

    async fn broker(&self, ctx: &Context<'_>) -> Option<Result<Broker>> {
        let loader = ctx.data_unchecked::<RowLoader>();
        let found = loader.load_one(self.0.id.connection).await;
        found
            .map(|row| row.map(Broker))
            .map_err(|cause| read_failure(&cause))
            .transpose()
    }

    /// Who may read or write it.
    async fn grants(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<Connection<Cursor, Grant>>> {
        let filter = projections::grant::GrantFilter {
            topic: Some(self.0.id.clone()),
            ..Default::default()
        };
        Some(grants_where(ctx, &filter, first, after).await)
    }
}
