//! Tamper evidence: a Merkle tree over the stored events, signed checkpoints of it that are kept
//! outside the database, and what proves a log, or one event, against them.
//!
//! The tree is that of RFC 6962 with SHA-256. Leaf `i` is the event at position `i + 1`, in the
//! canonical encoding of [`leaf`]. A checkpoint is a C2SP `tlog-checkpoint` in a C2SP
//! `signed-note` with an Ed25519 signature.

pub mod checkpoint;
pub mod checkpointer;
pub mod consistency_proof;
pub mod directory;
pub mod event_proof;
pub mod leaf;
pub mod note;
mod pages;
pub mod proof;
pub mod signed;
pub mod tree;
pub mod verify;

pub use checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
pub use checkpointer::{Checkpointer, CheckpointerError};
pub use consistency_proof::{ConsistencyProof, ConsistencyProofError, prove_consistency};
pub use directory::{CheckpointDir, DirectoryError};
pub use event_proof::{EventProof, EventProofError, prove};
pub use note::{NoteError, Signer, Verifier};
pub(crate) use pages::hole_before;
pub use pages::{StoredPages, stored_events};
pub use signed::SignedError;
pub use tree::{Frontier, Hash};
pub use verify::{Problem, Report, VerifyError, verify};

#[cfg(test)]
mod tests;
