//! Rebuilding the read models from the log.

use async_graphql::{Context, InputObject, Object, Result};
use domain::cluster::RebuildReadModels;
use domain::{Position, Thing};

use super::ReadModels;
use crate::control::control;
use crate::mutation::{Call, Mutation, NotDone, Once, Target, Terms, mutate, payload};
use crate::user_error::UserError;

payload!(
    /// The answer of `readModelsRebuild`: how far the read models have got.
    ReadModelsRebuildPayload { read_models: ReadModels }
);

/// Options for rebuilding the read models; all of them are rebuilt.
#[derive(InputObject)]
pub struct ReadModelsRebuildInput {
    #[graphql(flatten)]
    pub once: Once,
}

#[derive(Default)]
pub struct ReadModelsMutation;

#[Object]
impl ReadModelsMutation {
    /// Rebuilds all read models from the log, while the present ones stay in use. It answers once
    /// the rebuild has been requested, by this request or an earlier one; `readModels` says when
    /// it is done.
    ///
    /// Codes: none of its own.
    async fn read_models_rebuild(
        &self,
        ctx: &Context<'_>,
        input: ReadModelsRebuildInput,
    ) -> Option<Result<ReadModelsRebuildPayload>> {
        mutate(ctx, (), input).await
    }
}

/// All read models.
pub(crate) struct All;

impl Target for All {
    type Entity = ReadModels;

    fn thing(&self) -> Option<Thing> {
        // What the log says of them does not change.
        None
    }

    async fn find(&self, ctx: &Context<'_>, _position: Position) -> Result<Option<ReadModels>> {
        Ok(Some((&control(ctx).model).into()))
    }
}

impl Mutation for ReadModelsRebuildInput {
    type Id = ();
    type Target = All;
    type Payload = ReadModelsRebuildPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<All, UserError> {
        Ok(All)
    }

    async fn run(&self, call: &Call<'_>, _all: &All) -> Result<Position, NotDone> {
        let position = call.execute(&RebuildReadModels).await?;
        control(call.ctx).model.rebuild();
        Ok(position)
    }
}
