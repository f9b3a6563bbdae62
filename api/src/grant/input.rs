//! What the mutations of grants are told alike: who gets a grant, and on what.

use async_graphql::{ID, InputObject, OneofObject};
use domain::TopicId;
use domain::grant::{GrantKey, Grantee, Permission, Scope};
use domain::pattern::TopicPattern;

use super::GrantAccess;
use crate::id;
use crate::user_error::UserError;

/// Who gets a grant.
#[derive(OneofObject)]
pub enum GranteeInput {
    /// An algorithm with a published version.
    AlgorithmId(ID),
    /// All algorithms of an organization, including those that it registers later.
    OrganizationId(ID),
}

/// What a grant is on.
#[derive(OneofObject)]
pub enum GrantScopeInput {
    /// One topic.
    TopicId(ID),
    /// Every topic of a broker that a pattern matches, topics discovered later included.
    Pattern(TopicPatternInput),
}

/// The topics of a broker that a pattern matches.
#[derive(InputObject)]
pub struct TopicPatternInput {
    /// The broker.
    pub broker_id: ID,
    /// A topic name with at least one `*`, which stands for zero or more characters.
    pub pattern: String,
}

impl GranteeInput {
    /// The permission of that access.
    ///
    /// # Errors
    /// The id names nothing of the kind; the path begins at the grantee.
    pub(super) fn permission(&self, access: GrantAccess) -> Result<Permission, UserError> {
        let (grantee, member) = match self {
            Self::AlgorithmId(id) => (id::algorithm(id).map(Grantee::Algorithm), "algorithmId"),
            Self::OrganizationId(id) => {
                let organization = id::organization(id).map(Grantee::Organization);
                (organization, "organizationId")
            }
        };
        let bad = |error| UserError::bad_id(&error, &["grantee", member]);
        Ok(Permission {
            grantee: grantee.map_err(bad)?,
            access: access.into(),
        })
    }
}

impl GrantScopeInput {
    /// The grant of that permission.
    ///
    /// # Errors
    /// The ids name nothing of the kind, or the pattern is none; the path begins at the scope.
    pub(super) fn grant(&self, permission: Permission) -> Result<GrantKey, UserError> {
        match self {
            Self::TopicId(id) => {
                let topic: TopicId = id::topic(id)
                    .map_err(|error| UserError::bad_id(&error, &["scope", "topicId"]))?;
                Ok(GrantKey::of_topic(&topic, &permission))
            }
            Self::Pattern(TopicPatternInput { broker_id, pattern }) => {
                let at = ["scope", "pattern", "brokerId"];
                Ok(GrantKey {
                    broker: id::broker(broker_id)
                        .map_err(|error| UserError::bad_id(&error, &at))?,
                    scope: Scope::Pattern(matching(pattern, &["scope", "pattern", "pattern"])?),
                    permission,
                })
            }
        }
    }

    /// The member of the input that names the topic or the broker.
    pub(super) fn path(&self) -> &'static [&'static str] {
        match self {
            Self::TopicId(_) => &["input", "scope", "topicId"],
            Self::Pattern(_) => &["input", "scope", "pattern", "brokerId"],
        }
    }
}

/// The pattern in a member of the input.
pub(super) fn matching(pattern: &str, path: &[&str]) -> Result<TopicPattern, UserError> {
    let pattern = pattern.parse();
    pattern.map_err(|error| UserError::bad_name(&error, path))
}

/// A refusal that names a grantee, about the member that it stands in.
pub(super) fn about_grantee(mut error: UserError) -> UserError {
    if let Some(path) = &mut error.path
        && let Some(last) = path.last()
        && ["algorithmId", "organizationId"].contains(&last.as_str())
    {
        path.insert(path.len() - 1, "grantee".to_owned());
    }
    error
}
