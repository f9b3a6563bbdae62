//! Statements that read, put together of their parts, and the values of both kinds of statement.

use std::borrow::Cow;
use std::fmt::Display;

/// A value in a statement or a row. The absent have a kind too, by which PostgreSQL reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(Option<String>),
    Integer(Option<i64>),
}

/// The text of something.
pub(crate) fn text(value: impl Display) -> Value {
    Value::Text(Some(value.to_string()))
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(Some(value))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(Some(value.into()))
    }
}

/// A statement that reads, with its values.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) sql: Cow<'static, str>,
    pub(crate) values: Vec<Value>,
}

impl Statement {
    /// A statement whose values, `?1` and on, are bound next.
    pub(crate) fn new(sql: &'static str) -> Self {
        Self {
            sql: Cow::Borrowed(sql),
            values: Vec::new(),
        }
    }

    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds `sql`, each `?` of which is the value.
    pub(crate) fn add(mut self, sql: &'static str, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        let number = format!("?{}", self.values.len());
        self.sql.to_mut().push_str(&sql.replace('?', &number));
        self
    }

    /// Adds `sql`, each `?` of which is the value, where there is one: a condition that is not
    /// asked for must not be in the statement, or no index serves those that are.
    pub(crate) fn add_if(self, sql: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.add(sql, value),
            None => self,
        }
    }

    /// Adds `sql`, which has no values.
    pub(crate) fn then(mut self, sql: &'static str) -> Self {
        self.sql.to_mut().push_str(sql);
        self
    }
}
