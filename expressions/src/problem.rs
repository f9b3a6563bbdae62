//! Why a source is no expression that can be evaluated, and where.

use std::fmt;

use cel::ParseErrors;

/// The longest text of the parser, which lists everything that it expected.
const LONGEST_TEXT: usize = 160;

/// What the parser says of a source that is deeper than it goes.
const TOO_DEEP: &str = "Recursion limit";

/// What is wrong with a source, in words that its author can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    place: Option<Place>,
    text: String,
}

/// A place in a source: its line, and its column in characters, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
}

impl Problem {
    /// That of the whole source.
    pub(crate) fn of_all(text: impl Into<String>) -> Self {
        Self {
            place: None,
            text: text.into(),
        }
    }

    /// That of what stands at `offset`, in bytes.
    pub(crate) fn at(source: &str, offset: Option<u32>, text: impl Into<String>) -> Self {
        let place = offset.map(|offset| {
            let before = source.get(..offset as usize).unwrap_or(source);
            let line_starts = before.rfind('\n').map_or(0, |end| end + 1);
            Place {
                line: before.matches('\n').count() + 1,
                column: before[line_starts..].chars().count() + 1,
            }
        });
        Self {
            place,
            text: text.into(),
        }
    }
}

impl From<ParseErrors> for Problem {
    /// The first of them, for those that follow come of it.
    fn from(errors: ParseErrors) -> Self {
        let Some(first) = errors.errors.into_iter().next() else {
            return Self::of_all("it cannot be read");
        };
        let number = |number| usize::try_from(number).unwrap_or_default().max(1);
        let text = first.msg.lines().next().unwrap_or_default();
        let text = text.strip_prefix("Syntax error: ").unwrap_or(text);
        let is_deep = text.contains(TOO_DEEP);
        let text = if is_deep {
            "it is nested too deep"
        } else {
            text
        };
        Self {
            place: Some(Place {
                line: number(first.pos.0),
                column: number(first.pos.1),
            }),
            text: text.chars().take(LONGEST_TEXT).collect(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(Place { line, column }) => {
                write!(f, "line {line}, column {column}: {}", self.text)
            }
            None => f.write_str(&self.text),
        }
    }
}
