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

/// The texts of several things, for `json_each`.
pub(crate) fn texts<T: Display>(values: &[T]) -> serde_json::Result<String> {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    serde_json::to_string(&texts)
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
pub struct Statement {
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
    pub(crate) fn add(mut self, sql: &str, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        let number = format!("?{}", self.values.len());
        self.sql.to_mut().push_str(&sql.replace('?', &number));
        self
    }

    /// Adds `sql`, each `?` of which is the value, where there is one: a condition that is not
    /// asked for must not be in the statement, or no index serves those that are.
    pub(crate) fn add_if(self, sql: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.add(sql, value),
            None => self,
        }
    }

    /// Adds that the column has one of the values, where any are asked for: with none of them, it
    /// has no value that is.
    pub(crate) fn add_any<T: Display>(
        self,
        column: &str,
        values: Option<&[T]>,
    ) -> serde_json::Result<Self> {
        Ok(match values {
            None => self,
            Some([]) => self.then(" AND false"),
            Some([value]) => self.add(&format!(" AND {column} = ?"), text(value)),
            Some(values) => {
                let one_of = format!(" AND {column} IN (SELECT value FROM json_each(?))");
                self.add(&one_of, texts(values)?)
            }
        })
    }

    /// Adds `sql`, which has no values.
    pub(crate) fn then(mut self, sql: &str) -> Self {
        self.sql.to_mut().push_str(sql);
        self
    }

    /// Puts `before` and `after`, which have no values, around it.
    pub(crate) fn inside(mut self, before: &str, after: &str) -> Self {
        self.sql = Cow::Owned(format!("{before}{}{after}", self.sql));
        self
    }

    /// All of the statements in one, each row with the number of its statement in front.
    pub(crate) fn union(statements: Vec<Self>) -> Self {
        let mut union = Self::new("");
        for (number, statement) in statements.into_iter().enumerate() {
            let sql = renumbered(&statement.sql, union.values.len());
            let between = if number == 0 { "" } else { " UNION ALL " };
            let part =
                format!("{between}SELECT {number}, part{number}.* FROM ({sql}) AS part{number}");
            union.sql.to_mut().push_str(&part);
            union.values.extend(statement.values);
        }
        union
    }
}

/// `sql` with its values, `?1` and on, numbered from behind the first `taken`.
fn renumbered(sql: &str, taken: usize) -> String {
    let mut parts = sql.split('?');
    let mut renumbered = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = part.split_at(digits);
        let number: usize = number.parse().expect("a value in a statement has a number");
        renumbered.push_str(&format!("?{}{rest}", number + taken));
    }
    renumbered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_in_one_keep_their_values() {
        let one = |name: &str, limit: i64| {
            let select = Statement::new("SELECT a FROM t WHERE name = ?1").bind(name);
            select
                .add(" AND (b = ? OR c = ?)", "x")
                .add(" LIMIT ?", limit)
        };
        let union = Statement::union(vec![one("n", 3), one("m", 4)]);
        assert_eq!(
            union.sql,
            "SELECT 0, part0.* FROM (SELECT a FROM t WHERE name = ?1 AND (b = ?2 OR c = ?2) \
             LIMIT ?3) AS part0 UNION ALL SELECT 1, part1.* FROM (SELECT a FROM t \
             WHERE name = ?4 AND (b = ?5 OR c = ?5) LIMIT ?6) AS part1"
        );
        assert_eq!(union.values.len(), 6);
        assert_eq!(union.values[3], "m".into());
    }
}
