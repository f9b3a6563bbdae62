//! Reading brokers.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use domain::BrokerName;
use projections::broker::{BrokerFilter, BrokerSort};

use super::Broker;
use super::types::BrokerKind;
use crate::as_of::AsOf;
use crate::filter::{FilterInput, Members};
use crate::id;
use crate::list::{Bounds, List, OrderBy, Part};
use crate::view::View;

/// Which brokers to list; all connected ones by default. Each field given must match; a list
/// matches if any of its values does. A list has at most 100 values, and an empty list matches
/// nothing.
#[derive(InputObject, Default)]
pub struct BrokerFilterInput {
    /// Only these.
    pub ids: Option<Vec<ID>>,
    /// Part of the name.
    pub search: Option<String>,
    /// Only brokers of one of these kinds.
    pub kinds: Option<Vec<BrokerKind>>,
    /// If true, only connected ones, which is the default except in `not`; if false, only
    /// disconnected and replaced ones.
    pub connected: Option<bool>,
    /// Only those that this filter does not match; it must not contain another `not`.
    pub not: Option<Box<BrokerFilterInput>>,
}

#[derive(Default)]
pub struct BrokerQuery;

#[Object]
impl BrokerQuery {
    /// Brokers, by name; connected ones unless filtered.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn brokers(
        &self,
        ctx: &Context<'_>,
        filter: Option<BrokerFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order_by: Option<OrderBy<BrokerOrderField>>,
        as_of: Option<AsOf>,
    ) -> Option<Result<List<Broker>>> {
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::new(bounds, order_by);
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
    let mut filter = filter.filter(&())?;
    filter.connected = filter.connected.or(Some(true));
    view.list(filter, part, Broker).await
}

impl FilterInput for BrokerFilterInput {
    type Scope = ();
    type Filter = BrokerFilter;

    fn not(&mut self) -> &mut Option<Box<Self>> {
        &mut self.not
    }

    fn read(
        self,
        members: Members,
        _scope: &(),
        not: Option<Box<BrokerFilter>>,
    ) -> Result<BrokerFilter> {
        Ok(BrokerFilter {
            ids: members.ids("ids", self.ids, id::broker)?,
            search: self.search,
            kinds: members.words("kinds", self.kinds)?,
            connected: self.connected,
            not,
        })
    }
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
