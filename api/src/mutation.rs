//! What all mutations share: the idempotency key, refusals as user errors, reading one's own
//! writes. A mutation is an input that implements `Mutation`, in a file named by its verb.

pub(crate) mod arguments;
pub(crate) mod call;
mod confirmation;
mod fingerprint;
pub(crate) mod payload;
mod terms;
#[cfg(test)]
mod tests;

use std::future::Future;

use async_graphql::{Context, Error, ID, Result};
use domain::{Position, Thing};

pub(crate) use call::Call;
pub(crate) use payload::{AnyPayload, Payload, payload};
pub(crate) use terms::Terms;
pub use terms::{Once, OnceAtRevision};

use crate::error::Code;
use crate::error::error;
use crate::user_error::{UserError, Warning};

/// The input of a mutation, which knows how it is done. Its name is that of the field in the
/// schema: two mutations never share the space of idempotency keys.
pub(crate) trait Mutation: Send + Sync {
    /// The `id` argument: an `ID`, or `()` where the input names what it creates.
    type Id: Selector;
    /// What is changed.
    type Target: Target;
    type Payload: Payload<Entity = <Self::Target as Target>::Entity>;

    /// Whether it may forbid what workers are doing. It is answered once they have stopped.
    const FORBIDS: bool = false;

    fn terms(&self) -> Terms<'_>;

    /// What `id` and the input name.
    ///
    /// # Errors
    /// They name nothing of the kind.
    fn target(&self, id: &Self::Id) -> Result<Self::Target, UserError>;

    /// Does it: makes a command and has the engine execute it.
    fn run(
        &self,
        call: &Call<'_>,
        target: &Self::Target,
    ) -> impl Future<Output = Result<Position, NotDone>> + Send;

    /// What deserves a second look now that it is done, by events up to `position`.
    fn warnings(
        &self,
        _ctx: &Context<'_>,
        _target: &Self::Target,
        _position: Position,
    ) -> impl Future<Output = Result<Vec<Warning>>> + Send {
        async { Ok(Vec::new()) }
    }
}

/// The `id` argument of a mutation, which selects what is changed apart from how.
pub(crate) trait Selector: Send + Sync {
    const SELECTS: bool;
}

impl Selector for ID {
    const SELECTS: bool = true;
}

impl Selector for () {
    const SELECTS: bool = false;
}

/// What a mutation changes, and its payload shows.
pub(crate) trait Target: Send + Sync {
    type Entity: Send;

    /// The input members by which refusals refer to it. Where `id` selects it, such a refusal is
    /// about `id` instead.
    const NAMED: &'static [&'static str] = &[];

    /// The thing whose revision the caller may expect; none where there is nothing to compare.
    fn thing(&self) -> Option<Thing>;

    /// Reads it, once the read models reflect `position`, the last event of the mutation.
    fn find(
        &self,
        ctx: &Context<'_>,
        position: Position,
    ) -> impl Future<Output = Result<Option<Self::Entity>>> + Send;
}

/// Why a mutation did nothing.
#[derive(Debug)]
pub(crate) enum NotDone {
    /// The caller can act on it.
    Refused(UserError),
    /// A fault; an error at the top of the answer.
    Failed(Error),
    /// Its job goes on.
    UnderWay,
}

/// Performs the mutation: the key, what it is about, the command, and the payload.
pub(crate) async fn mutate<M: Mutation>(
    ctx: &Context<'_>,
    id: M::Id,
    input: M,
) -> Option<Result<M::Payload>> {
    let mut call = match Call::new(ctx, input.terms()) {
        Ok(call) => call,
        Err(error) => return Some(error.answer()),
    };
    let payload = perform(&mut call, &id, &input).await;
    let payload = payload.or_else(NotDone::answer);
    Some(payload.map(|payload: M::Payload| payload.of_call(&call)))
}

async fn perform<M: Mutation>(
    call: &mut Call<'_>,
    id: &M::Id,
    input: &M,
) -> Result<M::Payload, NotDone> {
    let ctx = call.ctx;
    // Before anything else: what was done is answered, whatever has happened since.
    let before = call.done_before().await?;
    let target = input.target(id)?;
    call.guard(target.thing());
    let position = match before {
        Some(position) => position,
        None => {
            let done = input.run(call, &target).await;
            done.map_err(|error| error.map(about_selected::<M>))?
        }
    };
    // From here on it is done: nothing that fails may tell the caller to try again.
    let shown = async {
        call.wait_for(position).await?;
        let unconfirmed = match M::FORBIDS {
            true => confirmation::wait(ctx, position).await,
            false => None,
        };
        let entity = target.find(ctx, position).await?;
        let mut warnings = input.warnings(ctx, &target, position).await?;
        warnings.extend(unconfirmed);
        Ok::<_, Error>((entity, warnings))
    };
    let (entity, warnings) = shown
        .await
        .unwrap_or_else(|_| (None, vec![Warning::not_shown_yet()]));
    Ok(M::Payload::done(entity, warnings, position))
}

/// The refusal, about `id` if it is about what `id` selects.
fn about_selected<M: Mutation>(mut error: UserError) -> UserError {
    if let Some([_, member]) = error.path.as_deref()
        && M::Id::SELECTS
        && M::Target::NAMED.contains(&member.as_str())
    {
        error.path = Some(vec!["id".to_owned()]);
    }
    error
}

impl NotDone {
    /// Too many others changed the same thing at the same time.
    pub(crate) fn too_busy(text: &str) -> Self {
        Self::Failed(error(Code::Unavailable, text))
    }

    /// Names the argument where the refusal itself cannot tell it.
    pub(crate) fn or_about(self, path: &[&str]) -> Self {
        self.map(|error| error.or_about(path))
    }

    /// The refusal as `change` has it.
    pub(crate) fn map(self, change: impl FnOnce(UserError) -> UserError) -> Self {
        match self {
            Self::Refused(error) => Self::Refused(change(error)),
            Self::Failed(_) | Self::UnderWay => self,
        }
    }

    /// What the caller gets.
    fn answer<P: Payload>(self) -> Result<P> {
        match self {
            Self::Refused(error) => Ok(P::not_done(vec![error])),
            Self::UnderWay => Ok(P::not_done(Vec::new())),
            Self::Failed(error) => Err(error),
        }
    }
}

impl From<UserError> for NotDone {
    fn from(error: UserError) -> Self {
        Self::Refused(error)
    }
}

impl From<Error> for NotDone {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
