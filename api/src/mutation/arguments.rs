//! Reading the arguments of a mutation: ids and names, refused with the path of what is wrong.

use std::str::FromStr;

use async_graphql::{ID, MaybeUndefined};
use domain::NameError;

use crate::id::IdError;
use crate::user_error::{UserError, UserErrorCode};

/// What reads the key out of an id of one kind.
type Decode<K> = fn(&ID) -> Result<K, IdError>;

/// The key in the `id` argument.
pub(crate) fn id<K>(id: &ID, decode: Decode<K>) -> Result<K, UserError> {
    decode(id).map_err(|error| UserError::bad_id(&error, &["id"]))
}

/// The key in an id that is a member of the input.
pub(crate) fn id_in<K>(id: &ID, decode: Decode<K>, member: &str) -> Result<K, UserError> {
    decode(id).map_err(|error| UserError::bad_id(&error, &["input", member]))
}

/// A member of a patch that has no default: null asks for what there is not.
pub(crate) fn unless_null<'a, T>(
    member: &'a MaybeUndefined<T>,
    path: &[&str],
) -> Result<Option<&'a T>, UserError> {
    match member {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Value(value) => Ok(Some(value)),
        MaybeUndefined::Null => {
            let text = "it has no default; leave it out to keep it as it is";
            Err(UserError::new(UserErrorCode::OutOfRange, text, path))
        }
    }
}

/// The name in a member of the input.
pub(crate) fn name_in<N>(text: &str, member: &str) -> Result<N, UserError>
where
    N: FromStr<Err = NameError>,
{
    let name = text.parse();
    name.map_err(|error| UserError::bad_name(&error, &["input", member]))
}
