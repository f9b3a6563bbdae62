//! Reading grants.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, InputObject, Object, Result};
use projections::grant::GrantFilter;

use super::{Access, Grant};
use crate::control::control;
use crate::error::{invalid, read_failure};
use crate::id::{self, IdError};
use crate::paging::{self, Cursor, paging};

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
    ) -> Option<Result<Connection<Cursor, Grant>>> {
        Some(match filter.unwrap_or_default().filter() {
            Ok(filter) => grants_where(ctx, &filter, first, after).await,
            Err(error) => Err(invalid(error.to_string())),
        })
    }
}

impl GrantFilterInput {
    fn filter(self) -> Result<GrantFilter, IdError> {
        Ok(GrantFilter {
            connection: self.broker_id.as_ref().map(id::broker).transpose()?,
            topic: self.topic_id.as_ref().map(id::topic).transpose()?,
            algorithm: self.algorithm_id.as_ref().map(id::algorithm).transpose()?,
            organization: self
                .organization_id
                .as_ref()
                .map(id::organization)
                .transpose()?,
            access: self.access.map(Into::into),
        })
    }
}

pub(crate) async fn grants_where(
    ctx: &Context<'_>,
    filter: &GrantFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Grant>> {
    let paging = paging(first, after.as_deref())?;
    let page = control(ctx).model.grants(filter, &paging).await;
    let page = page.map_err(|cause| read_failure(&cause))?;
    Ok(paging::connection(
        page,
        &paging,
        |row| row.key.to_string(),
        Grant,
    ))
}
