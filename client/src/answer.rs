//! The JSON that GraphQL answers with.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Error, IgnoredAny};

/// A GraphQL error of an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct GraphQlError {
    pub message: String,
    pub code: String,
}

/// What an answer comes to.
pub(crate) type Read<T> = Result<Result<T, GraphQlError>, serde_json::Error>;

#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<ErrorObject>,
}

#[derive(Deserialize)]
struct ErrorObject {
    message: String,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Default, Deserialize)]
struct Extensions {
    #[serde(default)]
    code: String,
}

impl From<ErrorObject> for GraphQlError {
    fn from(error: ErrorObject) -> Self {
        Self {
            message: error.message,
            code: error.extensions.code,
        }
    }
}

/// The data of an answer, or the first of its errors.
pub(crate) fn read<T: DeserializeOwned>(answer: &[u8]) -> Read<T> {
    // The data of a failed answer has holes, so errors are looked for without it.
    if let Some(error) = first_error(answer)? {
        return Ok(Err(error));
    }
    let answer: Answer<T> = serde_json::from_slice(answer)?;
    let data = answer.data.ok_or_else(|| Error::missing_field("data"))?;
    Ok(Ok(data))
}

/// The first error of an answer that has errors.
pub(crate) fn first_error(answer: &[u8]) -> Result<Option<GraphQlError>, serde_json::Error> {
    let answer: Answer<IgnoredAny> = serde_json::from_slice(answer)?;
    Ok(answer.errors.into_iter().next().map(Into::into))
}

/// The first error of a list of errors.
pub(crate) fn refusal(errors: &[u8]) -> Result<GraphQlError, serde_json::Error> {
    let errors: Vec<ErrorObject> = serde_json::from_slice(errors)?;
    let first = errors.into_iter().next();
    first
        .map(Into::into)
        .ok_or_else(|| Error::custom("an error without a message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_win_over_data_with_holes() {
        let answer = br#"{ "data": { "list": null }, "errors": [
            { "message": "too many", "extensions": { "code": "TOO_COMPLEX" } } ] }"#;
        let error = read::<Vec<u8>>(answer).unwrap().unwrap_err();
        assert_eq!(error.to_string(), "too many (TOO_COMPLEX)");
    }

    #[test]
    fn an_answer_without_data_and_errors_is_not_one() {
        assert!(read::<u8>(br"{}").is_err());
        assert!(read::<u8>(br"<html>").is_err());
        assert_eq!(read::<u8>(br#"{ "data": 7 }"#).unwrap(), Ok(7));
    }
}
