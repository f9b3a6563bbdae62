//! Reading documents from files and from standard input.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Location, Spanned, budget, options};

use super::document::Document;
use crate::state::State;

/// The most bytes of one file.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// The most documents of one file.
const MAX_DOCUMENTS: usize = 100_000;

/// The most sequences, mappings and scalars of one file.
const MAX_NODES: usize = 5_000_000;

/// Why the documents cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("cannot read {0}")]
    Read(Origin, #[source] io::Error),
    #[error("{0} is larger than {MAX_BYTES} bytes")]
    TooLarge(Origin),
    #[error("{0} is not UTF-8")]
    Encoding(Origin),
    #[error("{0} contains no document")]
    Empty(Origin),
    #[error("{position}: {problem}")]
    Document {
        position: SourcePosition,
        problem: String,
    },
    #[error("{position}: {title} is already described at {first}")]
    Duplicate {
        position: SourcePosition,
        title: String,
        first: Box<SourcePosition>,
    },
}

/// Where a text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Input,
    File(PathBuf),
}

/// A line and a column of a text, both from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePosition {
    origin: Origin,
    at: Option<(u64, u64)>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input => f.write_str("standard input"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Display for SourcePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin.fmt(f)?;
        match self.at {
            Some((line, column)) => write!(f, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}

/// What the documents of all `files` say together; `-` is `stdin`.
///
/// # Errors
/// A file cannot be read, contains no document or a wrong one, or something is described twice.
pub(crate) fn read(files: &[PathBuf], stdin: &mut dyn Read) -> Result<State, InputError> {
    let mut input = Input::default();
    for path in files {
        let (origin, text) = if path == Path::new("-") {
            (Origin::Input, bounded(&mut *stdin))
        } else {
            (
                Origin::File(path.clone()),
                File::open(path).and_then(bounded),
            )
        };
        let bytes = text.map_err(|source| InputError::Read(origin.clone(), source))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(InputError::TooLarge(origin));
        }
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| InputError::Encoding(origin.clone()))?;
        input.add(&origin, &text)?;
    }
    Ok(input.state)
}

/// At most one byte more than is allowed.
fn bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What has been read, and where.
#[derive(Default)]
struct Input {
    state: State,
    positions: BTreeMap<String, SourcePosition>,
}

impl Input {
    fn add(&mut self, origin: &Origin, text: &str) -> Result<(), InputError> {
        let documents = parse(text).map_err(|error| InputError::Document {
            position: position(origin, error.location()),
            problem: problem(&error),
        })?;
        if documents.is_empty() {
            return Err(InputError::Empty(origin.clone()));
        }
        for Spanned {
            value, referenced, ..
        } in documents
        {
            let position = position(origin, Some(referenced));
            let title = value.title();
            if let Some(first) = self.positions.get(&title) {
                let first = Box::new(first.clone());
                return Err(InputError::Duplicate {
                    position,
                    title,
                    first,
                });
            }
            self.positions.insert(title, position);
            value.add_to(&mut self.state);
        }
        Ok(())
    }
}

fn parse(text: &str) -> Result<Vec<Spanned<Document>>, serde_saphyr::Error> {
    let options = options! {
        budget: budget! { max_documents: MAX_DOCUMENTS, max_nodes: MAX_NODES, max_events: 2 * MAX_NODES },
        duplicate_keys: DuplicateKeyPolicy::Error,
        // Where YAML 1.1 and YAML 1.2 disagree, a name is taken as written, and a flag or a number
        // is refused.
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    serde_saphyr::from_multiple_with_options(text, options)
}

fn position(origin: &Origin, at: Option<Location>) -> SourcePosition {
    SourcePosition {
        origin: origin.clone(),
        at: at.map(|at| (at.line(), at.column())),
    }
}

/// The error in words, without its position.
fn problem(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    text.split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
pub(super) mod tests;
