//! Rows as they come from a database, and their values as what they mean.

use std::error::Error;
use std::str::FromStr;
use std::vec;

use domain::{BrokerId, Position};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::Value;
use crate::error::ReadModelError;
use crate::model::{position_of, time_of};

/// A row, whose values are taken from the left to the right.
#[derive(Debug)]
pub struct Row(vec::IntoIter<Value>);

/// Something that is made of a row.
pub trait FromRow: Sized {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError>;
}

/// Something that is made of a value.
pub(crate) trait FromValue: Sized {
    fn from_value(value: Value) -> Result<Self, ReadModelError>;
}

impl From<Vec<Value>> for Row {
    fn from(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }
}

impl Row {
    /// The next value.
    pub(crate) fn take<T: FromValue>(&mut self) -> Result<T, ReadModelError> {
        T::from_value(self.0.next().ok_or_else(|| odd("a column is missing"))?)
    }

    /// The next value, read from its text.
    pub(crate) fn parse<T>(&mut self) -> Result<T, ReadModelError>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        let text: String = self.take()?;
        text.parse()
            .map_err(|error| ReadModelError::Row(Box::new(error)))
    }

    /// The next value, read from its JSON.
    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T, ReadModelError> {
        Ok(serde_json::from_str(&self.take::<String>()?)?)
    }

    /// The next value, read from its JSON, unless it is null.
    pub(crate) fn json_if_any<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ReadModelError> {
        let json: Option<String> = self.take()?;
        Ok(json.as_deref().map(serde_json::from_str).transpose()?)
    }

    /// The next value, one of the words by which the domain writes it in JSON.
    pub(crate) fn word<T: DeserializeOwned>(&mut self) -> Result<T, ReadModelError> {
        Ok(serde_json::from_value(Json::String(self.take()?))?)
    }
}

fn odd(problem: &str) -> ReadModelError {
    ReadModelError::Row(problem.into())
}

impl FromValue for Option<String> {
    fn from_value(value: Value) -> Result<Self, ReadModelError> {
        match value {
            Value::Text(text) => Ok(text),
            Value::Integer(None) => Ok(None),
            Value::Integer(Some(_)) => Err(odd("an integer where text belongs")),
        }
    }
}

impl FromValue for Option<i64> {
    fn from_value(value: Value) -> Result<Self, ReadModelError> {
        match value {
            Value::Integer(integer) => Ok(integer),
            Value::Text(None) => Ok(None),
            Value::Text(Some(_)) => Err(odd("text where an integer belongs")),
        }
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<Self, ReadModelError> {
        Option::from_value(value)?.ok_or_else(|| odd("a text is missing"))
    }
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Result<Self, ReadModelError> {
        Option::from_value(value)?.ok_or_else(|| odd("an integer is missing"))
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<Self, ReadModelError> {
        Ok(i64::from_value(value)? != 0)
    }
}

/// A count, which is never negative.
impl FromValue for u64 {
    fn from_value(value: Value) -> Result<Self, ReadModelError> {
        Ok(i64::from_value(value)?.unsigned_abs())
    }
}

impl FromValue for Position {
    fn from_value(value: Value) -> Result<Self, ReadModelError> {
        i64::from_value(value).map(position_of)
    }
}

impl FromValue for Timestamp {
    fn from_value(value: Value) -> Result<Self, ReadModelError> {
        i64::from_value(value).and_then(time_of)
    }
}

impl FromValue for Option<Timestamp> {
    fn from_value(value: Value) -> Result<Self, ReadModelError> {
        Option::<i64>::from_value(value)?.map(time_of).transpose()
    }
}

impl FromValue for BrokerId {
    fn from_value(value: Value) -> Result<Self, ReadModelError> {
        let id = String::from_value(value)?.parse();
        Ok(Self(id.map_err(|error: uuid::Error| {
            ReadModelError::Row(Box::new(error))
        })?))
    }
}

/// The first column alone.
impl FromRow for String {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        row.take()
    }
}
