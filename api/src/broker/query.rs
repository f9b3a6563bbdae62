//! Reading broker connections.

use async_graphql::connection::Connection;
use async_graphql::{Context, Object, Result};
use projections::connection::ConnectionFilter;

use super::Broker;
use super::types::BrokerKind;
use crate::control::control;
use crate::error::read_failure;
use crate::paging::{self, Cursor, paging};

#[derive(Default)]
pub struct BrokerQuery;

#[Object]
impl BrokerQuery {
    /// The broker connections that are alive, by name.
    async fn brokers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Part of the name.")] search: Option<String>,
        kind: Option<BrokerKind>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<Connection<Cursor, Broker>>> {
        let filter = ConnectionFilter {
            search,
            kind: kind.map(Into::into),
        };
        Some(brokers(ctx, &filter, first, after).await)
    }

    /// The connection of that name; null where none is alive.
    async fn broker_by_name(&self, ctx: &Context<'_>, name: String) -> Option<Result<Broker>> {
        let name = name.parse().ok()?;
        let found = control(ctx).model.connection_by_name(&name).await;
        found
            .map(|row| row.map(Broker))
            .map_err(|cause| read_failure(&cause))
            .transpose()
    }
}

async fn brokers(
    ctx: &Context<'_>,
    filter: &ConnectionFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Broker>> {
    let paging = paging(first, after.as_deref())?;
    let page = control(ctx).model.connections(filter, &paging).await;
    let page = page.map_err(|cause| read_failure(&cause))?;
    Ok(paging::connection(
        page,
        &paging,
        |row| row.name.to_string(),
        Broker,
    ))
}
