//! Why an expression gave nothing for a message, in words that hold nothing of the message.

use std::collections::HashSet;

use cel::{ExecutionError, Value};

/// The function that errors of our own name, whose text is ours as well.
const OURS: &str = "eventflows";

/// Why an expression gave nothing for a message. It always does so for that message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(String);

/// An error of our own.
pub(crate) fn failure(text: impl Into<String>) -> ExecutionError {
    ExecutionError::function_error(OURS, text.into())
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// That of an error, whose own text may quote what the message holds. `known` are the words of the
    /// source, which may be told.
    pub(crate) fn of(error: &ExecutionError, known: &HashSet<String>) -> Self {
        Self(match error {
            ExecutionError::NoSuchKey(key) if known.contains(&**key) => {
                format!("there is no `{key}`")
            }
            ExecutionError::NoSuchKey(_) => "there is no such key".to_owned(),
            ExecutionError::IndexOutOfBounds(_) => "the list has no such index".to_owned(),
            ExecutionError::NoSuchOverload(overload) => {
                let types = overload.argument_types().join(", ");
                format!("`{}` does not take ({types})", shown(overload.function()))
            }
            ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
                unsupported(operator, left, right)
            }
            ExecutionError::UnexpectedType { got, want } => {
                format!("there is {got} where {want} is needed")
            }
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
                "a number is divided by zero".to_owned()
            }
            ExecutionError::Overflow(..) => "a number becomes too large".to_owned(),
            ExecutionError::ValuesNotComparable(..) => {
                "values of different types are compared".to_owned()
            }
            ExecutionError::UnsupportedKeyType(_) => "a map has keys of this type".to_owned(),
            ExecutionError::DuplicateKey(_) => "a map has one key twice".to_owned(),
            ExecutionError::UnsupportedIndex(..) => "a list has indices of this type".to_owned(),
            ExecutionError::FunctionError { function, message } if function == OURS => {
                message.clone()
            }
            ExecutionError::FunctionError { function, .. } => {
                format!("`{}` failed", shown(function))
            }
            _ => "it cannot be evaluated".to_owned(),
        })
    }
}

/// A function or operator as people write it.
fn shown(function: &str) -> &str {
    match function {
        "_[_]" | "_[?_]" => "[]",
        "_._" | "_?._" => ".",
        "@in" => "in",
        function => function.trim_matches(['_', '@']),
    }
}

fn unsupported(operator: &str, left: &Value, right: &Value) -> String {
    let operator = match operator {
        "sub" => "-",
        "mul" => "*",
        "div" => "/",
        "rem" => "%",
        operator => operator,
    };
    let [left, right] = [left, right].map(|value| match value {
        Value::Float(_) => "double".to_owned(),
        value => value.type_of().to_string(),
    });
    format!("`{operator}` does not take ({left}, {right})")
}
