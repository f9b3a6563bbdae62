//! The read models themselves: how far they are, and their rebuilding.

pub mod rebuild;

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
    /// The position that the next generation has reached; null unless one is being built.
    pub rebuilding: Option<Position>,
}

#[derive(Default)]
pub struct ReadModelsQuery;

#[Object]
impl ReadModelsQuery {
    /// How far the read models have got.
    async fn read_models(&self, ctx: &Context<'_>) -> ReadModels {
        (&control(ctx).model).into()
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
