//! The mutations of grants; each in a file named by its verb.

use async_graphql::{Context, ID, Object, Result, SimpleObject, Union};
use domain::grant::{Edit, EditGrants, EditPatternGrants, GrantKey, PatternChange, Scope};
use domain::{Position, Thing, TopicId};

use super::Grant;
use super::add::GrantAddInput;
use super::edit::GrantsEditInput;
use super::input::about_grantee;
use super::remove::GrantRemoveInput;
use crate::broker::Broker;
use crate::loaders::Listed;
use crate::mutation::{Call, NotDone, Payload, Target, mutate, payload};
use crate::scalar;
use crate::topic::Topic;
use crate::user_error::{UserError, Warning};
use crate::view::View;

payload!(
    /// The answer of the mutations of a grant.
    GrantPayload { grant: Grant }
);

/// The answer of `grantsEdit`.
#[derive(SimpleObject)]
pub struct GrantsPayload {
    /// The current state of the topic or broker, with its grants; null if it no longer exists, if
    /// the mutation was refused, or if it cannot be shown yet.
    pub holder: Option<GrantHolder>,
    /// The grants among the changes that exist now, in the order of the changes.
    pub grants: Vec<Grant>,
    /// Why the mutation did nothing; empty if it succeeded.
    pub user_errors: Vec<UserError>,
    /// What was done but deserves a second look.
    pub warnings: Vec<Warning>,
    /// The position of the mutation's last event; null if it was refused.
    pub position: Option<scalar::Position>,
}

/// What grants are edited on: one topic, or a broker with its patterns.
#[derive(Union)]
pub enum GrantHolder {
    Topic(Topic),
    Broker(Broker),
}

/// What grants were edited on, and those of the changes that are granted now.
pub(crate) struct GrantsEdited {
    pub(super) holder: Option<GrantHolder>,
    pub(super) grants: Vec<Grant>,
}

impl Payload for GrantsPayload {
    type Entity = GrantsEdited;

    fn done(edited: Option<GrantsEdited>, warnings: Vec<Warning>, position: Position) -> Self {
        let (holder, grants) = match edited {
            Some(GrantsEdited { holder, grants }) => (holder, grants),
            None => (None, Vec::new()),
        };
        Self {
            holder,
            grants,
            user_errors: Vec::new(),
            warnings,
            position: Some(scalar::Position(position)),
        }
    }

    fn not_done(user_errors: Vec<UserError>) -> Self {
        Self {
            holder: None,
            grants: Vec::new(),
            user_errors,
            warnings: Vec::new(),
            position: None,
        }
    }
}

impl Target for GrantKey {
    type Entity = Grant;

    fn thing(&self) -> Option<Thing> {
        Some(Thing::Grant(self.clone()))
    }

    async fn find(&self, ctx: &Context<'_>, _position: Position) -> Result<Option<Grant>> {
        let found = View::live(ctx).find(self.clone(), Grant).await;
        found.transpose()
    }
}

impl Target for TopicId {
    type Entity = Topic;

    fn thing(&self) -> Option<Thing> {
        Some(Thing::Topic(self.clone()))
    }

    async fn find(&self, ctx: &Context<'_>, _position: Position) -> Result<Option<Topic>> {
        let view = View::live(ctx);
        let found = view.find(Listed(self.clone()), Topic::of_row).await;
        found.transpose()
    }
}

#[derive(Default)]
pub struct GrantMutation;

#[Object]
impl GrantMutation {
    /// Permits an algorithm, or all algorithms of an organization, to read or write a topic, or
    /// all topics that a pattern matches. Nothing happens if it is already granted.
    ///
    /// Codes: `ALGORITHM_RETIRED`, `NOT_FOUND`, `NOTHING_PUBLISHED`, `UNKNOWN_TOPIC`,
    /// `BROKER_GONE`, `BAD_NAME`.
    async fn grant_add(
        &self,
        ctx: &Context<'_>,
        input: GrantAddInput,
    ) -> Option<Result<GrantPayload>> {
        mutate(ctx, (), input).await
    }

    /// Removes a grant. Policies disable what was enabled under it and is permitted by nothing
    /// else.
    ///
    /// Codes: none of its own.
    async fn grant_remove(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: GrantRemoveInput,
    ) -> Option<Result<GrantPayload>> {
        mutate(ctx, id, input).await
    }

    /// Adds and removes grants in one step: the grants of one topic, or the pattern grants of one
    /// broker; `id` is the id of the topic or of the broker. Policies disable what was enabled
    /// under a removed grant and is permitted by nothing else.
    ///
    /// Codes: `ALGORITHM_RETIRED`, `NOT_FOUND`, `NOTHING_PUBLISHED`, `UNKNOWN_TOPIC`,
    /// `DUPLICATE_CHANGE`, `CONTRADICTORY_CHANGE`, `BROKER_GONE`, `BAD_NAME`.
    async fn grants_edit(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: GrantsEditInput,
    ) -> Option<Result<GrantsPayload>> {
        mutate(ctx, id, input).await
    }
}

/// Adds or removes one grant.
pub(super) async fn edit(
    call: &Call<'_>,
    edit: Edit,
    grant: &GrantKey,
) -> Result<Position, NotDone> {
    let GrantKey {
        broker,
        scope,
        permission,
    } = grant.clone();
    let done = match scope {
        Scope::Topic(topic) => {
            let topic = TopicId { broker, topic };
            let command = EditGrants::single(topic, edit, permission);
            call.execute(&command).await
        }
        Scope::Pattern(pattern) => {
            let change = PatternChange {
                edit,
                pattern,
                permission,
            };
            let command = EditPatternGrants {
                broker,
                changes: vec![change],
            };
            call.execute(&command).await
        }
    };
    done.map_err(|error| error.map(alone))
}

/// An error of the only change, as one of the input itself: its caller made no batch.
fn alone(mut error: UserError) -> UserError {
    if let Some(path) = &mut error.path
        && path.get(1).is_some_and(|part| part == "changes")
    {
        path.drain(1..path.len().min(3));
    }
    about_grantee(error)
}
