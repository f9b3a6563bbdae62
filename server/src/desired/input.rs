//! Reading documents from files and from standard input.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_saphyr::{Location, Spanned, budget, options};

use super::document::Document;
use super::state::State;

/// The most bytes of one file.
const MOST_BYTES: u64 = 32 * 1024 * 1024;

/// The most documents of one file.
const MOST_DOCUMENTS: usize = 100_000;

/// The most sequences, mappings and scalars of one file.
const MOST_NODES: usize = 5_000_000;

/// Why there is no desired state.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("{0} cannot be read")]
    Read(Origin, #[source] io::Error),
    #[error("{0} has more than {MOST_BYTES} bytes")]
    TooLarge(Origin),
    #[error("{0} is not UTF-8")]
    Encoding(Origin),
    #[error("{0} holds no document")]
    Empty(Origin),
    #[error("{place}: {problem}")]
    Document { place: Place, problem: String },
    #[error("{place}: {title} is described already, at {first}")]
    Twice {
        place: Place,
        title: String,
        first: Box<Place>,
    },
}

/// Where a text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Input,
    File(PathBuf),
}

/// A place in a text; lines and columns from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
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

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin.fmt(f)?;
        match self.at {
            Some((line, column)) => write!(f, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}

/// What the documents of all `files` say together; `-` is standard input.
///
/// # Errors
/// A file cannot be read, holds no document or a wrong one, or a thing is described twice.
pub(super) fn read(files: &[PathBuf]) -> Result<State, InputError> {
    let mut input = Input::default();
    for path in files {
        let (origin, text) = if path == Path::new("-") {
            (Origin::Input, bounded(io::stdin().lock()))
        } else {
            (
                Origin::File(path.clone()),
                File::open(path).and_then(bounded),
            )
        };
        let bytes = text.map_err(|source| InputError::Read(origin.clone(), source))?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(InputError::TooLarge(origin));
        }
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| InputError::Encoding(origin.clone()))?;
        input.add(&origin, &text)?;
    }
    Ok(input.state)
}

/// One byte more than is allowed, at most.
fn bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What was read so far, and where.
#[derive(Default)]
struct Input {
    state: State,
    places: BTreeMap<String, Place>,
}

impl Input {
    fn add(&mut self, origin: &Origin, text: &str) -> Result<(), InputError> {
        let documents = parse(text).map_err(|error| InputError::Document {
            place: place(origin, error.location()),
            problem: problem(&error),
        })?;
        if documents.is_empty() {
            return Err(InputError::Empty(origin.clone()));
        }
        for Spanned {
            value, referenced, ..
        } in documents
        {
            let place = place(origin, Some(referenced));
            let title = value.title();
            if let Some(first) = self.places.get(&title) {
                let first = Box::new(first.clone());
                return Err(InputError::Twice {
                    place,
                    title,
                    first,
                });
            }
            self.places.insert(title, place);
            self.state.add(value);
        }
        Ok(())
    }
}

fn parse(text: &str) -> Result<Vec<Spanned<Document>>, serde_saphyr::Error> {
    let options = options! {
        budget: budget! { max_documents: MOST_DOCUMENTS, max_nodes: MOST_NODES, max_events: 2 * MOST_NODES },
        with_snippet: false,
    };
    serde_saphyr::from_multiple_with_options(text, options)
}

fn place(origin: &Origin, at: Option<Location>) -> Place {
    Place {
        origin: origin.clone(),
        at: at.map(|at| (at.line(), at.column())),
    }
}

/// The error in words, without its place.
fn problem(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    text.split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests;
