//! Lists of rows as Relay connections: filtered, sorted, paged, and counted when that is asked
//! for. However many parents ask for lists of a kind, one statement reads them.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::dataloader::Loader;
use async_graphql::{Enum, InputObject, InputType, Object, OutputType, Result};
use futures_util::future::BoxFuture;
use projections::list::{Filter, MOST_LISTS, Sort, SortOf};
use projections::{Order, Page, Paging, ReadModelError};

use crate::algorithm::query::AlgorithmOrderField;
use crate::algorithm::types::VersionOrderField;
use crate::broker::query::BrokerOrderField;
use crate::grant::query::GrantOrderField;
use crate::listener::query::ListenerOrderField;
use crate::loaders::Rows;
use crate::organization::query::OrganizationOrderField;
use crate::paging::{self, Cursor, limit};
use crate::publisher::query::PublisherOrderField;
use crate::topic::query::TopicOrderField;
use crate::view::View;
use crate::worker::query::WorkerOrderField;

/// A list as clients see it.
pub(crate) type List<N> = Connection<Cursor, N, Total>;

/// The order of a list.
#[derive(InputObject)]
#[graphql(
    concrete(name = "AlgorithmOrderInput", params(AlgorithmOrderField)),
    concrete(name = "BrokerOrderInput", params(BrokerOrderField)),
    concrete(name = "GrantOrderInput", params(GrantOrderField)),
    concrete(name = "ListenerOrderInput", params(ListenerOrderField)),
    concrete(name = "OrganizationOrderInput", params(OrganizationOrderField)),
    concrete(name = "PublisherOrderInput", params(PublisherOrderField)),
    concrete(name = "TopicOrderInput", params(TopicOrderField)),
    concrete(name = "VersionOrderInput", params(VersionOrderField)),
    concrete(name = "WorkerOrderInput", params(WorkerOrderField))
)]
pub(crate) struct OrderBy<F: InputType> {
    /// What to sort by.
    pub field: F,
    /// Which end comes first.
    #[graphql(default)]
    pub direction: OrderDirection,
}

/// The direction of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub(crate) enum OrderDirection {
    /// Smallest, first by name, or oldest first.
    #[default]
    Ascending,
    /// Largest, last by name, or newest first.
    Descending,
}

/// Between which places, and from which end, as clients write it.
pub(crate) struct Bounds {
    pub(crate) first: Option<i32>,
    pub(crate) after: Option<String>,
    pub(crate) last: Option<i32>,
    pub(crate) before: Option<String>,
}

/// The part of a list that is asked for.
pub(crate) struct Part<S> {
    bounds: Bounds,
    order: Order<S>,
}

impl<S: Default> Part<S> {
    pub(crate) fn new<F: InputType + Into<S>>(
        bounds: Bounds,
        order_by: Option<OrderBy<F>>,
    ) -> Self {
        let order = order_by.map(|order| Order {
            by: order.field.into(),
            descending: order.direction == OrderDirection::Descending,
        });
        Self {
            bounds,
            order: order.unwrap_or_default(),
        }
    }

    /// A part of a list that has but one order.
    pub(crate) fn in_order(bounds: Bounds) -> Self {
        Self {
            bounds,
            order: Order::default(),
        }
    }
}

impl<S: Sort> Part<S> {
    fn paging(self) -> Result<Paging<S>> {
        let Self { bounds, order } = self;
        let place = |argument, cursor: Option<String>| {
            let place = cursor.map(|cursor| paging::place(argument, &cursor, order));
            place.transpose()
        };
        Ok(Paging {
            after: place("after", bounds.after)?,
            before: place("before", bounds.before)?,
            limit: limit(bounds.first, bounds.last)?,
            last: bounds.last.is_some(),
            order,
        })
    }
}

impl View {
    /// The part of the list of `filter` that is asked for.
    pub(crate) async fn list<F: Filter, N: OutputType>(
        &self,
        filter: F,
        part: Part<SortOf<F>>,
        node: fn(F::Row, Self) -> N,
    ) -> Result<List<N>> {
        let paging = part.paging()?;
        let (order, last) = (paging.order, paging.last);
        let (mut previous, mut next) = (paging.after.is_some(), paging.before.is_some());
        let page = self.load(PageOf(filter.clone(), paging)).await?;
        let page = page.unwrap_or_else(Page::empty);
        previous |= last && page.more;
        next |= !last && page.more;
        let total = Total::of(self.clone(), filter);
        let mut list = Connection::with_additional_fields(previous, next, total);
        let edge = |row: F::Row| {
            let cursor = paging::cursor(&row, order);
            Edge::new(cursor, node(row, self.clone()))
        };
        list.edges = page.rows.into_iter().map(edge).collect();
        Ok(list)
    }
}

impl View {
    /// The first rows of the list of `filter`, in the order of its keys.
    pub(crate) async fn first<F: Filter>(&self, filter: F, most: u32) -> Result<Page<F::Row>> {
        let page = self.load(PageOf(filter, Paging::first(most))).await?;
        Ok(page.unwrap_or_else(Page::empty))
    }

    /// How many rows the list of `filter` has.
    pub(crate) async fn count<F: Filter>(&self, filter: F) -> Result<u64> {
        let count = self.load(CountOf(filter)).await?;
        Ok(count.unwrap_or_default())
    }
}

/// How long a list is.
pub(crate) struct Total(Box<dyn Fn() -> BoxFuture<'static, Result<u64>> + Send + Sync>);

#[Object]
impl Total {
    /// How many there are in the whole list. They are counted only if this field is selected.
    async fn total_count(&self) -> Option<Result<u32>> {
        let count = (self.0)().await;
        Some(count.map(|count| u32::try_from(count).unwrap_or(u32::MAX)))
    }
}

impl Total {
    fn of<F: Filter>(view: View, filter: F) -> Self {
        Self(Box::new(move || {
            let (view, filter) = (view.clone(), filter.clone());
            Box::pin(async move { view.count(filter).await })
        }))
    }
}

/// A page of a list.
#[derive(Clone, PartialEq, Eq, Hash)]
struct PageOf<F: Filter>(F, Paging<SortOf<F>>);

/// The length of a list.
#[derive(Clone, PartialEq, Eq, Hash)]
struct CountOf<F: Filter>(F);

impl<F: Filter> Loader<PageOf<F>> for Rows {
    type Value = Page<F::Row>;
    type Error = Arc<ReadModelError>;

    async fn load(
        &self,
        keys: &[PageOf<F>],
    ) -> Result<HashMap<PageOf<F>, Page<F::Row>>, Self::Error> {
        let mut loaded = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(MOST_LISTS) {
            let asked: Vec<_> = keys
                .iter()
                .map(|key| (key.0.clone(), key.1.clone()))
                .collect();
            let pages = self.0.pages(&asked).await.map_err(Arc::new)?;
            loaded.extend(keys.iter().cloned().zip(pages));
        }
        Ok(loaded)
    }
}

impl<F: Filter> Loader<CountOf<F>> for Rows {
    type Value = u64;
    type Error = Arc<ReadModelError>;

    async fn load(&self, keys: &[CountOf<F>]) -> Result<HashMap<CountOf<F>, u64>, Self::Error> {
        let mut loaded = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(MOST_LISTS) {
            let filters: Vec<F> = keys.iter().map(|key| key.0.clone()).collect();
            let counts = self.0.counts(&filters).await.map_err(Arc::new)?;
            loaded.extend(keys.iter().cloned().zip(counts));
        }
        Ok(loaded)
    }
}
