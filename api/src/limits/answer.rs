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
const LONGEST: usize = 1024 * 1024;

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

/// The answer as JSON; an error in its place where that would be too long.
pub(crate) fn bytes(response: &Response) -> Vec<u8> {
    let mut written = Bounded(Vec::new());
    if serde_json::to_writer(&mut written, response).is_ok() {
        return written.0;
    }
    let text = format!(
        "the answer is longer than {LONGEST} bytes; ask for less. What a mutation did is done"
    );
    let instead = Response::from_errors(vec![too_complex(text)]);
    serde_json::to_vec(&instead).expect("an error is written to memory")
}

/// Bytes up to the longest answer.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
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
        assert!(bytes(&response).len() < 16 * 1024);
    }

    #[test]
    fn an_answer_that_is_too_long_becomes_an_error() {
        let most = LONGEST - r#"{"data":""}"#.len();
        let fits = bytes(&Response::new(Value::from("x".repeat(most))));
        assert_eq!(fits.len(), LONGEST);
        let over = bytes(&Response::new(Value::from("x".repeat(most + 1))));
        let over: serde_json::Value = serde_json::from_slice(&over).unwrap();
        assert_eq!(over["errors"][0]["extensions"]["code"], "TOO_COMPLEX");
    }
}
