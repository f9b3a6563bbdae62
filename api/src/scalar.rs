//! Scalars of our own.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position(pub domain::Position);

/// A position in the event log, as a string of decimal digits without leading zeros, because `Int`
/// is too small for it.
#[Scalar]
impl ScalarType for Position {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => canonical(text)
                .map(|position| Self(domain::Position(position)))
                .ok_or_else(|| {
                    InputValueError::custom("a position must be decimal digits, at most 2^64 - 1")
                }),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision(pub Option<domain::Revision>);

/// Identifies the state of a thing that was shown. A mutation with `expectedRevision` is refused
/// with `CONFLICT` if the thing has changed since. Revisions can only be compared for equality;
/// their text has no other meaning.
#[Scalar]
impl ScalarType for Revision {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        // As many events as there were about it, up to that one in its stream.
        let count: u64 = match text.strip_prefix('r') {
            Some(count) if !count.starts_with('+') => count.parse()?,
            _ => return Err(InputValueError::custom("this is not a revision")),
        };
        Ok(Self(count.checked_sub(1).map(domain::Revision)))
    }

    fn to_value(&self) -> Value {
        let count = self.0.map_or(0, |revision| revision.0 + 1);
        Value::String(format!("r{count}"))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BigInt(pub u64);

/// A whole number of up to 64 bits, as a string of decimal digits without leading zeros.
#[Scalar]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => canonical(text).map(Self).ok_or_else(|| {
                InputValueError::custom("a number must be decimal digits, at most 2^64 - 1")
            }),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub jiff::Timestamp);

/// A moment in UTC, for example `2026-11-28T18:30:00.123456Z`, with at most microseconds.
#[Scalar(specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Ok(Self(text.parse()?)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// Any value of JSON: an object, an array, a string, a number, a boolean or null.
#[Scalar(
    name = "JSON",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259"
)]
impl<T: Serialize + DeserializeOwned + Send + Sync> ScalarType for Json<T> {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(async_graphql::from_value(value)?))
    }

    fn to_value(&self) -> Value {
        async_graphql::to_value(&self.0).unwrap_or_default()
    }
}

/// A number in the one form that it has.
fn canonical(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_form() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("+1", None),
            ("-1", None),
            ("01", None),
            ("", None),
        ] {
            assert_eq!(canonical(text), wanted, "{text:?}");
        }
    }
}
