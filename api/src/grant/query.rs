//! Reading grants.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, InputObject, Object, Result};
use projections::grant::GrantFilter;

use super::{Access, Grant};
use crate::as_of::AsOf;
use crate::id::{self, chosen};
use crate::paging::{Cursor, paging};
use crate::view::View;

/// Which grants are asked for; all where nothing is set.
#[derive(InputObject, Default)]
pub struct GrantFilterInput {
    pub broker_id: Option<ID>,
    /// Those that permit anything on the topic, be it by a pattern.
    pub topic_id: Option<ID>,
    /// Those that permit the algorithm anything, be it as one of its organization's.
    pub algorithm_id: Option<ID>,
    /// Those to the organization or to an algorithm of it.
    pub organization_id: Option<ID>,
    pub access: Option<Access>,
}

#[derive(Default)]
pub struct GrantQuery;

#[Object]
impl GrantQuery {
    /// Grants that stand, by broker and by topic or pattern.
    async fn grants(
        &self,
        ctx: &Context<'_>,
        filter: Option<GrantFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        as_of: Option<AsOf>,
    ) -> Option<Result<Connection<Cursor, Grant>>> {
        Some(grants(ctx, filter.unwrap_or_default(), first, after, as_of).await)
    }
}

async fn grants(
    ctx: &Context<'_>,
    filter: GrantFilterInput,
    first: Option<i32>,
    after: Option<String>,
    as_of: Option<AsOf>,
) -> Result<Connection<Cursor, Grant>> {
    let view = View::at(ctx, as_of).await?;
    grants_where(&view, &filter.filter()?, first, after).await
}

impl GrantFilterInput {
    fn filter(self) -> Result<GrantFilter> {
        Ok(GrantFilter {
            connection: chosen(self.broker_id.as_ref(), id::broker)?,
            topic: chosen(self.topic_id.as_ref(), id::topic)?,
            algorithm: chosen(self.algorithm_id.as_ref(), id::algorithm)?,
            organization: chosen(self.organization_id.as_ref(), id::organization)?,
            access: self.access.map(Into::into),
        })
    }
}

pub(crate) async fn grants_where(
    view: &View,
    filter: &GrantFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Grant>> {
    let paging = paging(first, after.as_deref())?;
    let page = view.model().grants(filter, &paging).await;
    view.connection(page, &paging, |row| row.key.to_string(), Grant)
}
