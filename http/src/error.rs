//! Errors in GraphQL's form that are found before GraphQL.

use serde_json::{Value, json};

/// The errors of a request: one, with its code.
pub(super) fn errors(code: &str, message: &str) -> Value {
    json!([{ "message": message, "extensions": { "code": code } }])
}
