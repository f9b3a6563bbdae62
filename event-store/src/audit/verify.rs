//! Verification: does the log still begin with everything that was ever signed?

use std::fmt;
use std::sync::Arc;

use domain::Position;

use super::checkpoint::{Checkpoint, SignedCheckpoint};
use super::directory::{CheckpointDir, DirectoryError};
use super::leaf;
use super::note::Verifier;
use super::pages::stored_events;
use super::tree::Frontier;
use crate::port::{EventStore, ReadError};
use crate::stored::StoredEvent;

/// Why it cannot be said whether the log is intact.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("the event log cannot be read")]
    Log(#[from] ReadError),
    #[error("the checkpoints cannot be read")]
    Directory(#[from] DirectoryError),
}

/// Something that is not as it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// There is nothing to verify against.
    NoCheckpoint,
    /// A file that is not a checkpoint of this log, signed by this key.
    Checkpoint { file: String, reason: String },
    /// The leaves' hashes from `first` to `last` are not those that were signed: where the log was
    /// changed too, only bounds of the place can be named.
    Leaves { first: u64, last: u64 },
    /// The event at this position is another one than was signed.
    Changed { position: u64 },
    /// The event at this position is not there, or cannot be read.
    Damaged { position: u64, reason: String },
    /// The first changed event is one of these.
    Within { first: u64, last: u64 },
    /// Nothing tells whether these events are those that were signed: the leaves file does not
    /// reach them, and the log does not reach the next checkpoint.
    Unproved { first: u64, last: u64 },
    /// These events are gone from the log's end.
    Missing { first: u64, last: u64 },
}

impl Problem {
    /// The first position of the log that is not as it was signed, where it is the log that is
    /// not; of a range, the first that may not be.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        match self {
            Self::NoCheckpoint | Self::Checkpoint { .. } | Self::Leaves { .. } => None,
            Self::Changed { position } | Self::Damaged { position, .. } => Some(*position),
            Self::Within { first, .. }
            | Self::Unproved { first, .. }
            | Self::Missing { first, .. } => Some(*first),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCheckpoint => f.write_str("there is no checkpoint to verify against"),
            Self::Checkpoint { file, reason } => {
                write!(f, "{file} is not a checkpoint of this log: {reason}")
            }
            Self::Leaves { first, last } => write!(
                f,
                "the leaves file is not what was signed between {first} and {last}"
            ),
            Self::Changed { position } => write!(
                f,
                "the event at position {position} is not the one that was signed"
            ),
            Self::Damaged { position, reason } => {
                write!(f, "the event at position {position} is damaged: {reason}")
            }
            Self::Within { first, last } => write!(
                f,
                "the first event that is not the one that was signed stands between \
                 {first} and {last}"
            ),
            Self::Unproved { first, last } => write!(
                f,
                "without the leaves file nothing tells whether the events between {first} and \
                 {last} are those that were signed"
            ),
            Self::Missing { first, last } => write!(
                f,
                "the log ends before position {first}, but events up to {last} were signed"
            ),
        }
    }
}

/// What verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many events of the log are proved to be those that were signed.
    pub proved: u64,
    /// How many events the largest checkpoint covers.
    pub covered: u64,
    /// How many events the log had. Those past `covered` are not signed yet.
    pub events: u64,
    /// How many checkpoints there were.
    pub checkpoints: usize,
    /// Nothing, where the log is intact.
    pub problems: Vec<Problem>,
    /// The tree over the covered events, where the log is intact.
    pub(super) frontier: Frontier,
}

impl Report {
    /// Whether everything that was signed is as it was signed.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }

    /// The first position of the log that is not as it was signed.
    #[must_use]
    pub fn first_bad_position(&self) -> Option<u64> {
        self.problems.iter().filter_map(Problem::position).min()
    }
}

/// Compares the whole of `store` with every checkpoint in `directory`.
///
/// # Errors
/// The log or the directory cannot be read at all.
pub async fn verify(
    store: Arc<dyn EventStore>,
    directory: &CheckpointDir,
    verifier: &Verifier,
) -> Result<Report, VerifyError> {
    let mut problems = Vec::new();
    let checkpoints = checkpoints(directory, verifier, &mut problems)?;
    let covered = checkpoints.last().map_or(0, |last| last.size);
    let leaves = proven_leaves(directory, &checkpoints)?;
    let unproven = checkpoints.iter().find(|c| c.size > leaves.size());
    if let Some(last) = unproven {
        problems.push(Problem::Leaves {
            first: leaves.size() + 1,
            last: last.size,
        });
    }
    let mut comparison = Comparison {
        leaves: directory.leaves()?,
        proven: leaves.size(),
        frontier: leaves,
        checkpoints: &checkpoints,
        events: 0,
        proved: 0,
    };
    let head = store.head().await;
    let found = compare(store, &mut comparison, covered).await?;
    let (events, end) = match head {
        Ok(head) => (head.0, None),
        Err(error) => (comparison.events, Some(damage(error)?)),
    };
    if let Some(Problem::Damaged { .. } | Problem::Missing { .. }) = found
        && comparison.proved < comparison.events
    {
        problems.push(Problem::Unproved {
            first: comparison.proved + 1,
            last: comparison.events,
        });
    }
    problems.extend(found.or(end));
    Ok(Report {
        proved: comparison.proved,
        covered,
        events,
        checkpoints: checkpoints.len(),
        problems,
        frontier: comparison.frontier,
    })
}

/// The checkpoints in `directory` by size, and a problem for each file that is none.
fn checkpoints(
    directory: &CheckpointDir,
    verifier: &Verifier,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Checkpoint>, DirectoryError> {
    let mut checkpoints = Vec::new();
    for (file, note) in directory.notes()? {
        match SignedCheckpoint::open(&note, verifier) {
            Ok(signed) => checkpoints.push(signed.checkpoint),
            Err(error) => problems.push(Problem::Checkpoint {
                file,
                reason: error.to_string(),
            }),
        }
    }
    checkpoints.sort_by_key(|checkpoint| checkpoint.size);
    // The latest is there twice.
    checkpoints.dedup();
    if checkpoints.is_empty() {
        problems.push(Problem::NoCheckpoint);
    }
    Ok(checkpoints)
}

/// The tree over the longest run of stored leaves that checkpoints prove to be those signed.
fn proven_leaves(
    directory: &CheckpointDir,
    checkpoints: &[Checkpoint],
) -> Result<Frontier, DirectoryError> {
    let mut leaves = directory.leaves()?;
    let mut frontier = Frontier::default();
    let mut proven = Frontier::default();
    for checkpoint in checkpoints {
        while frontier.size() < checkpoint.size {
            let Some(leaf) = leaves.read()? else {
                return Ok(proven);
            };
            frontier.push(leaf);
        }
        if frontier.root() != checkpoint.root {
            return Ok(proven);
        }
        proven.clone_from(&frontier);
    }
    Ok(proven)
}

/// The log beside what is known of it.
struct Comparison<'a> {
    /// The stored leaves, of which the first `proven` ones can be trusted.
    leaves: super::directory::Leaves,
    proven: u64,
    /// The tree over the proven leaves, and over the log's events from there on.
    frontier: Frontier,
    checkpoints: &'a [Checkpoint],
    /// How many events were compared.
    events: u64,
    /// How many of them are proved to be those that were signed.
    proved: u64,
}

/// Compares events up to `covered`; tells the first problem.
async fn compare(
    store: Arc<dyn EventStore>,
    comparison: &mut Comparison<'_>,
    covered: u64,
) -> Result<Option<Problem>, VerifyError> {
    let mut pages = stored_events(store, Position(0), Some(Position(covered))).await?;
    loop {
        let page = match pages.next().await {
            Ok(page) => page,
            Err(error) => return damage(error).map(Some),
        };
        if page.is_empty() {
            break;
        }
        for event in &page {
            if let Some(problem) = comparison.take(event)? {
                return Ok(Some(problem));
            }
        }
    }
    Ok((comparison.events < covered).then(|| Problem::Missing {
        first: comparison.events + 1,
        last: covered,
    }))
}

/// What is wrong with the log, where that is why it cannot be read.
fn damage(error: ReadError) -> Result<Problem, VerifyError> {
    match error {
        ReadError::Damaged { position, problem } => Ok(Problem::Damaged {
            position: position.0,
            reason: problem,
        }),
        unavailable => Err(unavailable.into()),
    }
}

impl Comparison<'_> {
    /// Compares the next event.
    fn take(&mut self, event: &StoredEvent) -> Result<Option<Problem>, DirectoryError> {
        let hash = leaf::hash(event);
        self.events += 1;
        if self.events <= self.proven {
            if self.leaves.read()? != Some(hash) {
                let position = self.events;
                return Ok(Some(Problem::Changed { position }));
            }
            self.proved = self.events;
            return Ok(None);
        }
        self.frontier.push(hash);
        let here = |checkpoint: &&Checkpoint| checkpoint.size == self.events;
        for checkpoint in self.checkpoints.iter().filter(here) {
            if checkpoint.root != self.frontier.root() {
                let (first, last) = (self.proved + 1, self.events);
                return Ok(Some(Problem::Within { first, last }));
            }
            self.proved = self.events;
        }
        Ok(None)
    }
}
