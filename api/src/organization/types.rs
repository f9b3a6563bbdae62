//! The organization type.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, Object, Result};

use crate::algorithm::Algorithm;
use crate::algorithm::query::algorithms_of;
use crate::id::GlobalId;
use crate::paging::Cursor;
use crate::scalar::DateTime;

/// Who owns algorithms.
pub struct Organization(pub projections::organization::Organization);

#[Object]
impl Organization {
    pub async fn id(&self) -> ID {
        GlobalId::Organization(self.0.name.clone()).encode()
    }

    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Its algorithms, by name.
    async fn algorithms(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<Connection<Cursor, Algorithm>>> {
        Some(algorithms_of(ctx, Some(&self.0.name), first, after).await)
    }
}
