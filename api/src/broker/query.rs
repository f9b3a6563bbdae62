//! Reading broker connections.

use async_graphql::connection::Connection;
use async_graphql::{Context, Object, Result};
use domain::ConnectionName;
use projections::connection::ConnectionFilter;

use super::Broker;
use super::types::BrokerKind;
use crate::as_of::AsOf;
use crate::paging::{Cursor, paging};
use crate::view::View;

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
        as_of: Option<AsOf>,
    ) -> Option<Result<Connection<Cursor, Broker>>> {
        let filter = ConnectionFilter {
            search,
            kind: kind.map(Into::into),
        };
        Some(brokers(ctx, &filter, first, after, as_of).await)
    }

    /// The connection of that name; null where none is alive.
    async fn broker_by_name(
        &self,
        ctx: &Context<'_>,
        name: String,
        as_of: Option<AsOf>,
    ) -> Option<Result<Broker>> {
        let name = name.parse().ok()?;
        by_name(ctx, &name, as_of).await.transpose()
    }
}

async fn by_name(
    ctx: &Context<'_>,
    name: &ConnectionName,
    as_of: Option<AsOf>,
) -> Result<Option<Broker>> {
    let view = View::at(ctx, as_of).await?;
    let row = view.model().connection_by_name(name).await;
    view.show(row, Broker)
}

async fn brokers(
    ctx: &Context<'_>,
    filter: &ConnectionFilter,
    first: Option<i32>,
    after: Option<String>,
    as_of: Option<AsOf>,
) -> Result<Connection<Cursor, Broker>> {
    let paging = paging(first, after.as_deref())?;
    let view = View::at(ctx, as_of).await?;
    let page = view.model().connections(filter, &paging).await;
    view.connection(page, &paging, |row| row.name.to_string(), Broker)
}
