//! The read models themselves: how far they are, and their rebuilding.

use async_graphql::{Context, Object, SimpleObject};
use projections::ReadModel;

use crate::control::control;
use crate::scalar::{BigInt, Position};

/// The tables that queries read.
#[derive(SimpleObject)]
pub struct ReadModels {
    /// The position that they reflect.
    pub position: Position,
    /// Which generation is read. Each rebuild makes another, with a higher number.
    pub generation: BigInt,
    /// The position that the next generation has reached; null while none is built.
    pub rebuilding: Option<Position>,
}

#[derive(Default)]
pub struct ReadModelsQuery;

#[Object]
impl ReadModelsQuery {
    /// How far the read models are.
    async fn read_models(&self, ctx: &Context<'_>) -> ReadModels {
        (&control(ctx).model).into()
    }
}

#[derive(Default)]
pub struct ReadModelsMutation;

#[Object]
impl ReadModelsMutation {
    /// Rebuilds all read models from the log, beside those that are read meanwhile. It answers once
    /// the rebuild has begun, by this request or an earlier one; `readModels` says when it is done.
    async fn read_models_rebuild(&self, ctx: &Context<'_>) -> ReadModels {
        let model = &control(ctx).model;
        model.rebuild();
        model.into()
    }
}

impl From<&ReadModel> for ReadModels {
    fn from(model: &ReadModel) -> Self {
        Self {
            position: Position(model.position()),
            generation: BigInt(model.generation()),
            rebuilding: model.rebuilding().map(Position),
        }
    }
}
