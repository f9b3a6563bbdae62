//! What an answer is read from: the read models of one moment, and a loader over them.

use std::hash::Hash;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Result};
use domain::Position;
use projections::{Moment, ReadModel, ReadModelError};

use crate::as_of::{self, AsOf};
use crate::control::control;
use crate::error::read_failure;
use crate::gathering::Gathering;
use crate::loaders::{self, RowLoader, Rows};

/// The read models that a row was read from. Its nested fields are read there too, so that an
/// answer is of one moment. Cheap to clone.
#[derive(Clone)]
pub struct View(Arc<Parts>);

struct Parts {
    model: ReadModel,
    rows: RowLoader,
    /// The moment that the model is of; it stays open until nobody reads it.
    moment: Option<Arc<Moment>>,
}

impl View {
    /// A view of `model` with a loader of its own.
    pub(crate) fn of(model: ReadModel, gathering: &Gathering) -> Self {
        Self::new(model, gathering, None)
    }

    fn new(model: ReadModel, gathering: &Gathering, moment: Option<Arc<Moment>>) -> Self {
        Self(Arc::new(Parts {
            rows: loaders::loader(Rows(model.clone()), gathering),
            model,
            moment,
        }))
    }

    /// The view of that moment; of the present without one.
    ///
    /// # Errors
    /// The moment is not one of the log, or there are no read models of it now.
    pub(crate) async fn at(ctx: &Context<'_>, as_of: Option<AsOf>) -> Result<Self> {
        let Some(as_of) = as_of else {
            return Ok(Self::live(ctx));
        };
        Self::at_position(ctx, as_of::position(ctx, as_of).await?).await
    }

    /// The view of the moment at which the log ended at `position`.
    ///
    /// # Errors
    /// There are no read models of it now.
    pub(crate) async fn at_position(ctx: &Context<'_>, position: Position) -> Result<Self> {
        let moment = control(ctx).past.at(position).await;
        let moment = moment.map_err(|cause| as_of::past_failure(&cause))?;
        let gathering = ctx.data_unchecked::<Gathering>();
        Ok(Self::new(moment.model().clone(), gathering, Some(moment)))
    }

    /// The view of the present that a request has.
    pub(crate) fn live(ctx: &Context<'_>) -> Self {
        ctx.data_unchecked::<Self>().clone()
    }

    /// Whether it is of an earlier moment, of which only the log and the read models tell.
    pub(crate) fn is_past(&self) -> bool {
        self.0.moment.is_some()
    }

    /// The read models, for what no loader loads.
    pub(crate) fn model(&self) -> &ReadModel {
        &self.0.model
    }

    /// The row of `key`, loaded together with others that are asked for at once.
    pub(crate) async fn load<K>(&self, key: K) -> Result<Option<<Rows as Loader<K>>::Value>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Rows: Loader<K, Error = Arc<ReadModelError>>,
    {
        let row = self.0.rows.load_one(key).await;
        row.map_err(|cause| read_failure(&cause))
    }

    /// The row of `key` as what shows it.
    pub(crate) async fn find<K, N>(
        &self,
        key: K,
        node: fn(<Rows as Loader<K>>::Value, Self) -> N,
    ) -> Option<Result<N>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Rows: Loader<K, Error = Arc<ReadModelError>>,
    {
        let row = self.load(key).await.transpose()?;
        Some(row.map(|row| node(row, self.clone())))
    }

    /// The rows of those keys as what shows them, in their order; those that do not exist are
    /// left out.
    pub(crate) async fn find_all<K, N>(
        &self,
        keys: Vec<K>,
        node: fn(<Rows as Loader<K>>::Value, Self) -> N,
    ) -> Result<Vec<N>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Rows: Loader<K, Error = Arc<ReadModelError>>,
    {
        let rows = self.0.rows.load_many(keys.clone()).await;
        let mut rows = rows.map_err(|cause| read_failure(&cause))?;
        let rows = keys.iter().filter_map(|key| rows.remove(key));
        Ok(rows.map(|row| node(row, self.clone())).collect())
    }

    /// A row that was read here as what shows it.
    pub(crate) fn show<R, N>(
        &self,
        row: Result<Option<R>, ReadModelError>,
        node: fn(R, Self) -> N,
    ) -> Result<Option<N>> {
        let row = row.map_err(|cause| read_failure(&cause))?;
        Ok(row.map(|row| node(row, self.clone())))
    }
}
