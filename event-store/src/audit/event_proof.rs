//! A proof that the log holds an event, which needs neither the log nor its server to be checked.

use domain::Position;

use super::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use super::directory::{CheckpointDir, DirectoryError};
use super::leaf;
use super::note::Verifier;
use super::proof::{includes, inclusion};
use super::tree::{Hash, root};
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
    #[error("the checkpoints cannot be read")]
    Directory(#[from] DirectoryError),
    #[error("the checkpoint is not to be trusted")]
    Checkpoint(#[from] CheckpointError),
    #[error("there is no event at position {0}")]
    NoEvent(Position),
    #[error("no checkpoint covers position {0} yet")]
    NotCovered(Position),
    #[error("the leaves file is not what was signed")]
    Leaves,
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
    let mut largest: Option<SignedCheckpoint> = None;
    for (_, note) in directory.notes()? {
        let signed = SignedCheckpoint::open(&note, verifier)?;
        let size = signed.checkpoint.size;
        if largest.as_ref().is_none_or(|l| l.checkpoint.size < size) {
            largest = Some(signed);
        }
    }
    let covering = largest.filter(|largest| largest.checkpoint.size >= position.0);
    let SignedCheckpoint { checkpoint, note } =
        covering.ok_or(EventProofError::NotCovered(position))?;
    let leaves = signed_leaves(directory, &checkpoint)?;
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

fn signed_leaves(
    directory: &CheckpointDir,
    checkpoint: &Checkpoint,
) -> Result<Vec<Hash>, EventProofError> {
    let mut file = directory.leaves()?;
    let mut leaves = Vec::new();
    while (leaves.len() as u64) < checkpoint.size {
        leaves.push(file.read()?.ok_or(EventProofError::Leaves)?);
    }
    if root(&leaves) != checkpoint.root {
        return Err(EventProofError::Leaves);
    }
    Ok(leaves)
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
