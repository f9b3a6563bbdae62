//! Reading grants.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use projections::grant::{GrantFilter, GrantSort};

use super::{Grant, GrantAccess};
use crate::as_of::AsOf;
use crate::id::{self, chosen};
use crate::list::{List, OrderBy, Part};
use crate::view::View;

/// Which grants to list; all of them by default.
#[derive(InputObject, Default)]
pub struct GrantFilterInput {
    /// Only on this broker.
    pub broker_id: Option<ID>,
    /// Only grants that apply to this topic, directly or by a pattern.
    pub topic_id: Option<ID>,
    /// Only grants that apply to this algorithm, directly or through its organization.
    pub algorithm_id: Option<ID>,
    /// Only grants to this organization or to an algorithm of it.
    pub organization_id: Option<ID>,
    /// Only grants that permit this.
    pub access: Option<GrantAccess>,
}

#[derive(Default)]
pub struct GrantQuery;

#[Object]
impl GrantQuery {
    /// Grants in force, by broker and by topic or pattern.
    async fn grants(
        &self,
        ctx: &Context<'_>,
        filter: Option<GrantFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<GrantOrderField>>,
        as_of: Option<AsOf>,
    ) -> Option<Result<List<Grant>>> {
        let part = Part::new(first, after, order_by);
        Some(grants(ctx, filter.unwrap_or_default(), part, as_of).await)
    }
}

async fn grants(
    ctx: &Context<'_>,
    filter: GrantFilterInput,
    part: Part<GrantSort>,
    as_of: Option<AsOf>,
) -> Result<List<Grant>> {
    let view = View::at(ctx, as_of).await?;
    view.list(filter.filter()?, part, Grant).await
}

impl GrantFilterInput {
    fn filter(self) -> Result<GrantFilter> {
        Ok(GrantFilter {
            broker: chosen(self.broker_id.as_ref(), id::broker)?,
            topic: chosen(self.topic_id.as_ref(), id::topic)?,
            algorithm: chosen(self.algorithm_id.as_ref(), id::algorithm)?,
            organization: chosen(self.organization_id.as_ref(), id::organization)?,
            access: self.access.map(Into::into),
        })
    }
}

/// What grants can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "GrantSort")]
pub enum GrantOrderField {
    /// By broker, by topic or pattern, and by grantee.
    Topic,
    /// By the time of granting.
    GrantedAt,
}
