//! The read models themselves: how far they are, and their rebuilding.

use async_graphql::{Context, Object, SimpleObject};
use projections::ReadModel;

use crate::control::control;
use crate::scalar::{BigInt, Position};

/// The tables that every query reads.
#[derive(SimpleObject)]
pub struct ReadModels {
    /// The place in the log that they reflect.
    pub position: Position,
    /// Each rebuild makes another generation, with a higher number.
    pub generation: BigInt,
    /// How far the next generation has come; null while none is built.
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
    /// Has all read models built from the log again, beside those that are read meanwhile. Answers
    /// when it is begun, by this or an earlier request; `readModels` tells when it is done.
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
