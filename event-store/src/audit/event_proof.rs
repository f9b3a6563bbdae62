//! A proof that the log holds an event, which needs neither the log nor its server to be checked.

use domain::Position;

use super::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use super::directory::CheckpointDir;
use super::leaf;
use super::note::Verifier;
use super::proof::{includes, inclusion};
use super::signed::{self, SignedError};
use super::tree::Hash;
use crate::port::{EventStore, ReadError};
use crate::stored::StoredEvent;

/// An event, the way from its leaf to a root, and the checkpoint with that root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventProof {
    pub event: StoredEvent,
    pub path: Vec<Hash>,
    /// The signed note of the checkpoint.
    pub checkpoint: String,
}

/// Why an event is not proved.
#[derive(Debug, thiserror::Error)]
pub enum EventProofError {
    #[error("the event log cannot be read")]
    Log(#[from] ReadError),
    #[error(transparent)]
    Signed(#[from] SignedError),
    #[error("the checkpoint is not to be trusted")]
    Checkpoint(#[from] CheckpointError),
    #[error("there is no event at position {0}")]
    NoEvent(Position),
    #[error("no checkpoint covers position {0} yet")]
    NotCovered(Position),
    #[error("the event at position {0} is not the one that was signed")]
    Changed(Position),
}

/// Proves the event at `position` by the largest checkpoint in `directory`.
///
/// # Errors
/// There is no such event, it is not covered or not what was signed, or something cannot be read.
pub async fn prove(
    store: &dyn EventStore,
    directory: &CheckpointDir,
    verifier: &Verifier,
    position: Position,
) -> Result<EventProof, EventProofError> {
    let before = Position(
        position
            .0
            .checked_sub(1)
            .ok_or(EventProofError::NoEvent(position))?,
    );
    let found = store.read_stored(before, 1).await?.into_iter().next();
    let event = found
        .filter(|event| event.position == position)
        .ok_or(EventProofError::NoEvent(position))?;
    let largest = signed::largest(directory, verifier)?;
    let covering = largest.filter(|largest| largest.checkpoint.size >= position.0);
    let SignedCheckpoint { checkpoint, note } =
        covering.ok_or(EventProofError::NotCovered(position))?;
    let leaves = signed::leaves(directory, &checkpoint)?;
    let index = usize::try_from(before.0).expect("the leaves fit into memory");
    if leaves[index] != leaf::hash(&event) {
        return Err(EventProofError::Changed(position));
    }
    Ok(EventProof {
        event,
        path: inclusion(&leaves, index),
        checkpoint: note,
    })
}

impl EventProof {
    /// Checks the proof with nothing but the public key; tells the checkpoint that it leads to.
    ///
    /// # Errors
    /// The checkpoint is not signed by the key, or the event is not in its tree at its position.
    pub fn check(&self, verifier: &Verifier) -> Result<Checkpoint, EventProofError> {
        let checkpoint = SignedCheckpoint::open(&self.checkpoint, verifier)?.checkpoint;
        let position = self.event.position;
        let index = position
            .0
            .checked_sub(1)
            .ok_or(EventProofError::NoEvent(position))?;
        let hash = leaf::hash(&self.event);
        if includes(&checkpoint.root, checkpoint.size, &hash, index, &self.path) {
            Ok(checkpoint)
        } else {
            Err(EventProofError::Changed(position))
        }
    }
}
