//! Editing the grants of one topic, or those that a broker gives by pattern, whole or not at all.

use async_graphql::{Context, Enum, ID, InputObject, Result};
use domain::grant::{
    Edit, EditGrants, EditPatternGrants, GrantChange, GrantKey, PatternChange, Permission, Scope,
};
use domain::{BrokerId, Position, Thing, TopicId, TopicPattern};

use super::input::{GranteeInput, about_grantee, matching};
use super::mutation::{GrantsEdited, GrantsPayload};
use super::{Grant, GrantAccess};
use crate::id::{GlobalId, IdError};
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Target, Terms};
use crate::user_error::{UserError, UserErrorCode};
use crate::view::View;

/// Changes to the grants of one topic, or to the pattern grants of one broker.
#[derive(InputObject)]
pub struct GrantsEditInput {
    /// 1 to 500 changes, each permission at most once. Either all of them are made, or none.
    pub changes: Vec<GrantChangeInput>,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

/// A grant to add or to remove.
#[derive(InputObject)]
pub struct GrantChangeInput {
    /// Whether to add or to remove it.
    pub edit: GrantEdit,
    /// Required for a broker's grants: a topic name with at least one `*`, which stands for zero
    /// or more characters. Topics discovered later are matched, too. Not allowed for the grants of
    /// one topic.
    pub pattern: Option<String>,
    /// Who gets or loses it.
    pub grantee: GranteeInput,
    /// What it permits.
    pub access: GrantAccess,
}

/// Whether a grant is added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Edit")]
pub enum GrantEdit {
    /// Add it; nothing happens if it already exists.
    Add,
    /// Remove it; nothing happens if it does not exist.
    Remove,
}

/// The changes, of the topic or of the broker.
pub(crate) enum Changes {
    OfTopic(TopicId, Vec<GrantChange>),
    OfPatterns(BrokerId, Vec<PatternChange>),
}

impl Target for Changes {
    type Entity = GrantsEdited;

    const NAMED: &'static [&'static str] = &["topicId", "brokerId"];

    fn thing(&self) -> Option<Thing> {
        Some(match self {
            Self::OfTopic(topic, _) => Thing::Topic(topic.clone()),
            Self::OfPatterns(broker, _) => Thing::Broker(*broker),
        })
    }

    async fn find(&self, ctx: &Context<'_>, position: Position) -> Result<Option<GrantsEdited>> {
        let holder = match self {
            Self::OfTopic(topic, _) => {
                let topic = topic.find(ctx, position).await?;
                topic.map(super::mutation::GrantHolder::Topic)
            }
            Self::OfPatterns(broker, _) => {
                let broker = broker.find(ctx, position).await?;
                broker.map(super::mutation::GrantHolder::Broker)
            }
        };
        let grants = View::live(ctx).find_all(self.keys(), Grant).await?;
        Ok(Some(GrantsEdited { holder, grants }))
    }
}

impl Mutation for GrantsEditInput {
    type Id = ID;
    type Target = Changes;
    type Payload = GrantsPayload;

    const FORBIDS: bool = true;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<Changes, UserError> {
        match GlobalId::decode(id) {
            Some(GlobalId::Topic(topic)) => {
                let changes = self.each(GrantChangeInput::of_topic)?;
                Ok(Changes::OfTopic(topic, changes))
            }
            Some(GlobalId::Broker(broker)) => {
                let changes = self.each(GrantChangeInput::of_pattern)?;
                Ok(Changes::OfPatterns(broker, changes))
            }
            _ => {
                let neither = IdError("a topic or a broker");
                Err(UserError::bad_id(&neither, &["id"]))
            }
        }
    }

    async fn run(&self, call: &Call<'_>, target: &Changes) -> Result<Position, NotDone> {
        let done = match target {
            Changes::OfTopic(topic, changes) => {
                let (topic, changes) = (topic.clone(), changes.clone());
                call.execute(&EditGrants { topic, changes }).await
            }
            Changes::OfPatterns(broker, changes) => {
                let (broker, changes) = (*broker, changes.clone());
                call.execute(&EditPatternGrants { broker, changes }).await
            }
        };
        done.map_err(|error| error.map(about_grantee).or_about(&["id"]))
    }
}

impl Changes {
    fn keys(&self) -> Vec<GrantKey> {
        match self {
            Self::OfTopic(topic, changes) => {
                let key = |change: &GrantChange| GrantKey::of_topic(topic, &change.permission);
                changes.iter().map(key).collect()
            }
            Self::OfPatterns(broker, changes) => {
                let key = |change: &PatternChange| GrantKey {
                    broker: *broker,
                    scope: Scope::Pattern(change.pattern.clone()),
                    permission: change.permission.clone(),
                };
                changes.iter().map(key).collect()
            }
        }
    }
}

impl GrantsEditInput {
    /// What `change` makes of each change.
    fn each<C>(
        &self,
        change: impl Fn(&GrantChangeInput) -> Result<C, UserError>,
    ) -> Result<Vec<C>, UserError> {
        let changes = self.changes.iter().enumerate();
        let change = |(index, input): (usize, &GrantChangeInput)| {
            let place = ["input", "changes", &index.to_string()];
            change(input).map_err(|error| UserError {
                message: format!("change {index}: {}", error.message),
                ..error.within(&place)
            })
        };
        changes.map(change).collect()
    }
}

impl GrantChangeInput {
    fn of_topic(&self) -> Result<GrantChange, UserError> {
        if self.pattern.is_some() {
            let text = "only the grants of a broker take a pattern, and `id` is the id of a topic";
            return Err(UserError::new(
                UserErrorCode::OutOfRange,
                text,
                &["pattern"],
            ));
        }
        let permission = self.permission()?;
        Ok(GrantChange {
            edit: self.edit.into(),
            permission,
        })
    }

    fn of_pattern(&self) -> Result<PatternChange, UserError> {
        let missing = || {
            let text = "`id` is the id of a broker, so a pattern is required";
            UserError::new(UserErrorCode::OutOfRange, text, &["pattern"])
        };
        let pattern = self.pattern.as_deref().ok_or_else(missing)?;
        let pattern: TopicPattern = matching(pattern, &["pattern"])?;
        Ok(PatternChange {
            edit: self.edit.into(),
            pattern,
            permission: self.permission()?,
        })
    }

    fn permission(&self) -> Result<Permission, UserError> {
        self.grantee.permission(self.access)
    }
}
