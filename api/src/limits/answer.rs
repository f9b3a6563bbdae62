//! Limits of an answer.

use std::io::{self, Write};

use async_graphql::{PathSegment, Response};

use super::too_complex;
use crate::error::Code;

/// The most errors of one answer.
const MOST_ERRORS: usize = 10;

/// The most places of one error.
const MOST_LOCATIONS: usize = 4;

/// The longest text of one error, in bytes.
const LONGEST_MESSAGE: usize = 400;

/// The longest answer, in bytes.
pub(crate) const LONGEST: usize = 1024 * 1024;

/// The answer with few and short errors, each with a code: those without one of ours say that the
/// request is not a valid one.
pub(crate) fn bounded(mut response: Response) -> Response {
    response.errors.truncate(MOST_ERRORS);
    for error in &mut response.errors {
        cut(&mut error.message);
        error.locations.truncate(MOST_LOCATIONS);
        for segment in &mut error.path {
            if let PathSegment::Field(name) = segment {
                cut(name);
            }
        }
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_none() {
            extensions.set("code", Code::InvalidArgument.as_str());
        }
    }
    response
}

fn cut(text: &mut String) {
    if text.len() > LONGEST_MESSAGE {
        text.truncate(text.floor_char_boundary(LONGEST_MESSAGE));
        text.push('…');
    }
}

/// The answer, or an error in its place where its JSON would be too long.
#[must_use]
pub fn within_size(response: Response) -> Response {
    if serde_json::to_writer(Length(0), &response).is_ok() {
        return response;
    }
    let text = format!(
        "the answer is longer than {LONGEST} bytes; ask for less. If it answers a mutation, the \
         mutation has taken effect"
    );
    Response::from_errors(vec![too_complex(text)])
}

/// Counts bytes, up to the longest answer.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        if self.0 > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{ServerError, Value};

    use super::*;

    #[test]
    fn many_long_errors_become_few_short_ones() {
        let error = ServerError::new("é".repeat(100_000), None);
        let response = bounded(Response::from_errors(vec![error; 1000]));
        assert_eq!(response.errors.len(), MOST_ERRORS);
        assert!(serde_json::to_string(&response).unwrap().len() < 16 * 1024);
    }

    #[test]
    fn an_answer_that_is_too_long_becomes_an_error() {
        let most = LONGEST - r#"{"data":""}"#.len();
        let answer = |length| within_size(Response::new(Value::from("x".repeat(length))));
        assert!(answer(most).is_ok());
        let over = serde_json::to_value(answer(most + 1)).unwrap();
        assert_eq!(over["errors"][0]["extensions"]["code"], "TOO_COMPLEX");
    }
}
