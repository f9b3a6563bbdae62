//! A proof that a later checkpoint continues an earlier one: nothing that was signed then has been
//! changed or removed since. It needs neither the log nor its server to be checked.

use super::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use super::directory::CheckpointDir;
use super::note::Verifier;
use super::proof::{TreeHead, consistency, continues};
use super::signed::{self, SignedError};
use super::tree::Hash;

/// Two checkpoints, and the nodes that lead from the one to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// The signed note of the earlier checkpoint.
    pub earlier: String,
    pub path: Vec<Hash>,
    /// The signed note of the later checkpoint.
    pub checkpoint: String,
}

/// Why a checkpoint is not proved to continue another.
#[derive(Debug, thiserror::Error)]
pub enum ConsistencyProofError {
    #[error(transparent)]
    Signed(#[from] SignedError),
    #[error("the checkpoint is not to be trusted")]
    Checkpoint(#[from] CheckpointError),
    #[error("the checkpoint covers no events, so every log extends it")]
    Empty,
    #[error("no checkpoint here covers as many events as the earlier one: {0}")]
    NoLater(u64),
    #[error("the history that was signed later does not continue the one that was signed earlier")]
    Rewritten,
}

/// Proves that the largest checkpoint in `directory` continues the one whose note is `earlier`,
/// which was kept elsewhere.
///
/// # Errors
/// It does not, a note is not signed by the key, or something cannot be read.
pub fn prove_consistency(
    directory: &CheckpointDir,
    verifier: &Verifier,
    earlier: &str,
) -> Result<ConsistencyProof, ConsistencyProofError> {
    let size = SignedCheckpoint::open(earlier, verifier)?.checkpoint.size;
    let largest = signed::largest(directory, verifier)?;
    let later = largest.filter(|largest| largest.checkpoint.size >= size);
    let later = later.ok_or(ConsistencyProofError::NoLater(size))?;
    let leaves = signed::leaves(directory, &later.checkpoint)?;
    if size == 0 {
        return Err(ConsistencyProofError::Empty);
    }
    let size = usize::try_from(size).expect("the leaves fit into memory");
    let proof = ConsistencyProof {
        earlier: earlier.to_owned(),
        path: consistency(&leaves, size),
        checkpoint: later.note,
    };
    proof.check(verifier)?;
    Ok(proof)
}

impl ConsistencyProof {
    /// Checks the proof with nothing but the public key; tells the earlier and the later
    /// checkpoint.
    ///
    /// # Errors
    /// A checkpoint is not signed by the key, or the later does not continue the earlier.
    pub fn check(
        &self,
        verifier: &Verifier,
    ) -> Result<(Checkpoint, Checkpoint), ConsistencyProofError> {
        let earlier = SignedCheckpoint::open(&self.earlier, verifier)?.checkpoint;
        let later = SignedCheckpoint::open(&self.checkpoint, verifier)?.checkpoint;
        if continues(head(&later), head(&earlier), &self.path) {
            Ok((earlier, later))
        } else {
            Err(ConsistencyProofError::Rewritten)
        }
    }
}

fn head(checkpoint: &Checkpoint) -> TreeHead {
    TreeHead {
        size: checkpoint.size,
        root: checkpoint.root,
    }
}
