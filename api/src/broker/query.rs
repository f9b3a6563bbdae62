//! Reading brokers.

use async_graphql::{Context, Enum, InputObject, Object, Result};
use domain::BrokerName;
use projections::broker::{BrokerFilter, BrokerSort};

use super::Broker;
use super::types::BrokerKind;
use crate::as_of::AsOf;
use crate::list::{List, OrderBy, Part};
use crate::view::View;

/// Which brokers to list; all connected ones by default.
#[derive(InputObject)]
pub struct BrokerFilterInput {
    /// Part of the name.
    pub search: Option<String>,
    /// Only brokers of this kind.
    pub kind: Option<BrokerKind>,
    /// Only connected ones, which is the default, or only disconnected and replaced ones.
    #[graphql(default = true)]
    pub connected: bool,
}

impl Default for BrokerFilterInput {
    fn default() -> Self {
        Self {
            search: None,
            kind: None,
            connected: true,
        }
    }
}

#[derive(Default)]
pub struct BrokerQuery;

#[Object]
impl BrokerQuery {
    /// Brokers, by name; connected ones unless filtered.
    async fn brokers(
        &self,
        ctx: &Context<'_>,
        filter: Option<BrokerFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<BrokerOrderField>>,
        as_of: Option<AsOf>,
    ) -> Option<Result<List<Broker>>> {
        let part = Part::new(first, after, order_by);
        Some(brokers(ctx, filter.unwrap_or_default(), part, as_of).await)
    }

    /// The connected broker of that name; null if there is none.
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
    name: &BrokerName,
    as_of: Option<AsOf>,
) -> Result<Option<Broker>> {
    let view = View::at(ctx, as_of).await?;
    let row = view.model().broker_by_name(name).await;
    view.show(row, Broker)
}

async fn brokers(
    ctx: &Context<'_>,
    filter: BrokerFilterInput,
    part: Part<BrokerSort>,
    as_of: Option<AsOf>,
) -> Result<List<Broker>> {
    let view = View::at(ctx, as_of).await?;
    let filter = BrokerFilter {
        search: filter.search,
        kind: filter.kind.map(Into::into),
        ended: !filter.connected,
    };
    view.list(filter, part, Broker).await
}

/// What brokers can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "BrokerSort")]
pub enum BrokerOrderField {
    /// By name.
    Name,
    /// By the time it was connected.
    ConnectedAt,
}
