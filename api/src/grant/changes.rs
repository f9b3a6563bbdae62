//! What the two ways of editing many grants share.

use async_graphql::{Enum, ID};
use domain::grant::{Edit, Grantee, Permission};

use super::GrantAccess;
use crate::id::{self, IdError};
use crate::user_error::{UserError, UserErrorCode};

/// Whether a grant is added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Edit")]
pub enum GrantEdit {
    /// Add it; nothing happens if it is there.
    Add,
    /// Remove it; nothing happens if it is not there.
    Remove,
}

/// What `change` makes of each change of a batch.
pub(super) fn each<I, C>(
    inputs: &[I],
    change: impl Fn(&I) -> Result<C, UserError>,
) -> Result<Vec<C>, UserError> {
    let changes = inputs.iter().enumerate();
    changes
        .map(|(index, input)| change(input).map_err(|error| within(index, error)))
        .collect()
}

pub(super) fn permission(
    algorithm: Option<&ID>,
    organization: Option<&ID>,
    access: GrantAccess,
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
            "give either algorithmId or organizationId",
            &["algorithmId"],
        )),
    }
}

/// An error of one change, as one of the batch.
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
