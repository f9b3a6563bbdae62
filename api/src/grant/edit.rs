//! Editing many grants at once, whole or not at all.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use domain::grant::{
    Edit, EditGrants, EditPatternGrants, GrantChange, Grantee, PatternChange, Permission,
};

use super::Access;
use crate::broker::mutation::{self as broker, BrokerPayload};
use crate::id::{self, IdError};
use crate::mutation::{Ticket, execute, payload};
use crate::scalar::BigInt;
use crate::topic::Topic;
use crate::user_error::{UserError, UserErrorCode};
use crate::view::View;

payload!(
    /// The answer of the mutations of a topic.
    TopicPayload { topic: Topic }
);

#[derive(InputObject)]
pub struct TopicGrantsEditInput {
    pub topic_id: ID,
    /// 1 to 500, each permission once. They are done all or none of them.
    pub changes: Vec<GrantChangeInput>,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the topic's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

/// A permission to give or to take: of one algorithm, or of all algorithms of an organization.
#[derive(InputObject)]
pub struct GrantChangeInput {
    pub edit: GrantEdit,
    /// An algorithm with a published version; this or `organizationId`.
    pub algorithm_id: Option<ID>,
    /// Also for the algorithms that it registers later; this or `algorithmId`.
    pub organization_id: Option<ID>,
    pub access: Access,
}

#[derive(InputObject)]
pub struct PatternGrantsEditInput {
    pub broker_id: ID,
    /// 1 to 500, each permission once for each pattern. They are done all or none of them.
    pub changes: Vec<PatternGrantChangeInput>,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the broker's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

/// A permission to give or to take on every topic that the pattern covers, those among them that
/// are discovered later.
#[derive(InputObject)]
pub struct PatternGrantChangeInput {
    pub edit: GrantEdit,
    /// A topic's name with at least one `*`, which stands for any characters or none.
    pub pattern: String,
    /// An algorithm with a published version; this or `organizationId`.
    pub algorithm_id: Option<ID>,
    /// Also for the algorithms that it registers later; this or `algorithmId`.
    pub organization_id: Option<ID>,
    pub access: Access,
}

/// Which way a grant is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Edit")]
pub enum GrantEdit {
    /// Nothing happens where the grant stands.
    Add,
    /// Nothing happens where there is no such grant.
    Remove,
}

#[derive(Default)]
pub struct GrantsMutation;

#[Object]
impl GrantsMutation {
    /// Changes who may read or write a topic, in one step. What was enabled under a removed grant
    /// ends by policy.
    async fn topic_grants_edit(
        &self,
        ctx: &Context<'_>,
        input: TopicGrantsEditInput,
    ) -> Option<Result<TopicPayload>> {
        Some(edit(ctx, input).await)
    }

    /// Changes who may read or write the topics that patterns cover, in one step. What was enabled
    /// under a removed grant, and is permitted by nothing else, ends by policy.
    async fn pattern_grants_edit(
        &self,
        ctx: &Context<'_>,
        input: PatternGrantsEditInput,
    ) -> Option<Result<BrokerPayload>> {
        Some(edit_patterns(ctx, input).await)
    }
}

async fn edit(ctx: &Context<'_>, input: TopicGrantsEditInput) -> Result<TopicPayload> {
    let key = input.idempotency_key.as_deref();
    let expected = input.expected_revision;
    let ticket = Ticket::new("topicGrantsEdit", None, &input, key, expected);
    let command = match edit_command(&input) {
        Ok(command) => command,
        Err(error) => return Ok(TopicPayload::refused(error)),
    };
    Ok(match execute(ctx, &ticket, &command).await? {
        Err(error) => TopicPayload::refused(error.or_about(&["input", "topicId"])),
        Ok(position) => {
            let view = View::live(ctx);
            let row = view.model().topic(&command.topic).await;
            TopicPayload::done(view.show(row, Topic)?, position)
        }
    })
}

fn edit_command(input: &TopicGrantsEditInput) -> Result<EditGrants, UserError> {
    let change = |change: &GrantChangeInput| {
        Ok(GrantChange {
            edit: change.edit.into(),
            permission: permission(
                change.algorithm_id.as_ref(),
                change.organization_id.as_ref(),
                change.access,
            )?,
        })
    };
    Ok(EditGrants {
        topic: id::topic(&input.topic_id)
            .map_err(|error| UserError::bad_id(&error, &["input", "topicId"]))?,
        changes: each(&input.changes, change)?,
        cause: None,
    })
}

async fn edit_patterns(ctx: &Context<'_>, input: PatternGrantsEditInput) -> Result<BrokerPayload> {
    let key = input.idempotency_key.as_deref();
    let expected = input.expected_revision;
    let ticket = Ticket::new("patternGrantsEdit", None, &input, key, expected);
    let command = match patterns_command(&input) {
        Ok(command) => command,
        Err(error) => return Ok(BrokerPayload::refused(error)),
    };
    let ended = execute(ctx, &ticket, &command).await?;
    let ended = ended.map_err(|error| error.or_about(&["input", "brokerId"]));
    broker::answer(ctx, Some(command.broker), Ok(ended)).await
}

fn patterns_command(input: &PatternGrantsEditInput) -> Result<EditPatternGrants, UserError> {
    let change = |change: &PatternGrantChangeInput| {
        let pattern = change.pattern.parse();
        Ok(PatternChange {
            edit: change.edit.into(),
            pattern: pattern.map_err(|error| UserError::bad_name(&error, &["pattern"]))?,
            permission: permission(
                change.algorithm_id.as_ref(),
                change.organization_id.as_ref(),
                change.access,
            )?,
        })
    };
    Ok(EditPatternGrants {
        broker: id::broker(&input.broker_id)
            .map_err(|error| UserError::bad_id(&error, &["input", "brokerId"]))?,
        changes: each(&input.changes, change)?,
        cause: None,
    })
}

/// What `change` makes of each change of a batch.
fn each<I, C>(
    inputs: &[I],
    change: impl Fn(&I) -> Result<C, UserError>,
) -> Result<Vec<C>, UserError> {
    let changes = inputs.iter().enumerate();
    changes
        .map(|(index, input)| change(input).map_err(|error| within(index, error)))
        .collect()
}

fn permission(
    algorithm: Option<&ID>,
    organization: Option<&ID>,
    access: Access,
) -> Result<Permission, UserError> {
    Ok(Permission {
        grantee: grantee(algorithm, organization)?,
        access: access.into(),
    })
}

fn grantee(algorithm: Option<&ID>, organization: Option<&ID>) -> Result<Grantee, UserError> {
    let bad = |error: IdError, field: &str| UserError::bad_id(&error, &[field]);
    match (algorithm, organization) {
        (Some(id), None) => id::algorithm(id)
            .map(Grantee::Algorithm)
            .map_err(|error| bad(error, "algorithmId")),
        (None, Some(id)) => id::organization(id)
            .map(Grantee::Organization)
            .map_err(|error| bad(error, "organizationId")),
        _ => Err(UserError::new(
            UserErrorCode::OutOfRange,
            "a grant is given to an algorithm or to an organization, one of them",
            &["algorithmId"],
        )),
    }
}

/// An error of one change, told of the batch.
fn within(index: usize, error: UserError) -> UserError {
    let place = index.to_string();
    let field = error.path.iter().flatten().map(String::as_str);
    let path: Vec<&str> = ["input", "changes", &place]
        .into_iter()
        .chain(field)
        .collect();
    UserError::new(
        error.code,
        format!("change {index}: {}", error.message),
        &path,
    )
}
