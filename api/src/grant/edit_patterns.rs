//! Editing the grants of the topics that patterns cover, whole or not at all.

use async_graphql::{ID, InputObject};
use domain::grant::{EditPatternGrants, PatternChange};
use domain::{BrokerId, Position};

use super::GrantAccess;
use super::changes::{GrantEdit, each, permission};
use crate::broker::mutation::BrokerPayload;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// Changes to the pattern grants of one broker.
#[derive(InputObject)]
pub struct PatternGrantsEditInput {
    /// The broker whose topics the patterns match.
    pub broker_id: ID,
    /// 1 to 500, each permission once per pattern. All of them are made, or none.
    pub changes: Vec<PatternGrantChangeInput>,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

/// A grant to add or to remove on every topic that the pattern matches, topics discovered later
/// included.
#[derive(InputObject)]
pub struct PatternGrantChangeInput {
    /// Whether to add or to remove it.
    pub edit: GrantEdit,
    /// A topic's name with at least one `*`, which stands for any characters or none.
    pub pattern: String,
    /// An algorithm with a published version; this or `organizationId`.
    pub algorithm_id: Option<ID>,
    /// Also for the algorithms that it registers later; this or `algorithmId`.
    pub organization_id: Option<ID>,
    /// What it permits.
    pub access: GrantAccess,
}

impl Mutation for PatternGrantsEditInput {
    type Id = ();
    type Target = BrokerId;
    type Payload = BrokerPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<BrokerId, UserError> {
        arguments::id_in(&self.broker_id, id::broker, "brokerId")
    }

    async fn run(&self, call: &Call<'_>, broker: &BrokerId) -> Result<Position, NotDone> {
        let command = EditPatternGrants {
            broker: *broker,
            changes: each(&self.changes, change)?,
        };
        let done = call.execute(&command).await;
        done.map_err(|error| error.or_about(&["input", "brokerId"]))
    }
}

fn change(input: &PatternGrantChangeInput) -> Result<PatternChange, UserError> {
    let (algorithm, organization) = (&input.algorithm_id, &input.organization_id);
    let pattern = input.pattern.parse();
    Ok(PatternChange {
        edit: input.edit.into(),
        pattern: pattern.map_err(|error| UserError::bad_name(&error, &["pattern"]))?,
        permission: permission(algorithm.as_ref(), organization.as_ref(), input.access)?,
    })
}
