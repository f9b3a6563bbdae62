//! What a cluster should hold: documents, read and written.

pub(crate) mod document;
pub(crate) mod input;

use crate::state::State;

/// The documents of a state as YAML. Texts that YAML 1.1 or YAML 1.2 would read as anything else
/// are quoted.
///
/// # Errors
/// Never for a state that was read: texts, numbers and flags can be written.
pub(crate) fn to_yaml(state: &State) -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string_multiple(&document::documents(state))
}

#[cfg(test)]
mod tests;
