//! The largest checkpoint of a directory, and the leaves that it proves.

use super::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use super::directory::{CheckpointDir, DirectoryError};
use super::note::Verifier;
use super::tree::{Hash, root};

/// Why a directory proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum SignedError {
    #[error("the checkpoints cannot be read")]
    Directory(#[from] DirectoryError),
    #[error("{file} is not to be trusted")]
    Checkpoint {
        file: String,
        #[source]
        source: CheckpointError,
    },
    #[error("the leaves file is not what was signed")]
    Leaves,
}

/// The checkpoint over the most events, where there is one.
///
/// # Errors
/// The directory cannot be read, or one of its checkpoints is not signed by the key.
pub fn largest(
    directory: &CheckpointDir,
    verifier: &Verifier,
) -> Result<Option<SignedCheckpoint>, SignedError> {
    let mut largest: Option<SignedCheckpoint> = None;
    for (file, note) in directory.notes()? {
        let signed = SignedCheckpoint::open(&note, verifier)
            .map_err(|source| SignedError::Checkpoint { file, source })?;
        let size = signed.checkpoint.size;
        if largest.as_ref().is_none_or(|l| l.checkpoint.size < size) {
            largest = Some(signed);
        }
    }
    Ok(largest)
}

/// The leaves that `checkpoint` covers.
pub(super) fn leaves(
    directory: &CheckpointDir,
    checkpoint: &Checkpoint,
) -> Result<Vec<Hash>, SignedError> {
    let mut file = directory.leaves()?;
    let mut leaves = Vec::new();
    while (leaves.len() as u64) < checkpoint.size {
        leaves.push(file.read()?.ok_or(SignedError::Leaves)?);
    }
    if root(&leaves) != checkpoint.root {
        return Err(SignedError::Leaves);
    }
    Ok(leaves)
}
