//! Proofs that the log holds an event, as JSON files.

use event_store::EventStore;
use event_store::audit::{CheckpointDir, EventProof, Verifier, prove as prove_position};
use serde::{Deserialize, Serialize};

use super::{Subject, hashes, to_json, written};
use crate::failure::Failure;
use crate::row::EventRow;

pub(super) const FORMAT: &str = "eventflows inclusion proof 1";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofFile {
    format: String,
    event: EventRow,
    /// The event's position less one.
    leaf_index: u64,
    /// Base64, from the leaf up.
    path: Vec<String>,
    /// The signed note.
    checkpoint: String,
}

pub(super) async fn prove(
    store: &dyn EventStore,
    directory: &CheckpointDir,
    verifier: &Verifier,
    subject: Subject,
) -> Result<String, Failure> {
    let position = match subject {
        Subject::Position(position) => position,
        Subject::Event(id) => store.find(id).await?.ok_or(Failure::NoEvent(id))?,
    };
    let proof = prove_position(store, directory, verifier, position).await?;
    if let Subject::Event(id) = subject
        && id != proof.event.id
    {
        return Err(Failure::Index { id, position });
    }
    let file = ProofFile {
        format: FORMAT.to_owned(),
        event: proof.event.into(),
        leaf_index: position.0 - 1,
        path: written(&proof.path),
        checkpoint: proof.checkpoint,
    };
    Ok(to_json(&file))
}

/// What the proof in `text` proves.
pub(super) fn check(text: &str, verifier: &Verifier) -> Result<String, Failure> {
    let file: ProofFile = serde_json::from_str(text).map_err(Failure::ProofForm)?;
    let proof = EventProof {
        event: file.event.try_into()?,
        path: hashes(&file.path)?,
        checkpoint: file.checkpoint,
    };
    if proof.event.position.0.checked_sub(1) != Some(file.leaf_index) {
        return Err(Failure::ProofLeaf);
    }
    let checkpoint = proof.check(verifier)?;
    Ok(format!(
        "The event {} is at position {} of the log {}, as signed at {} for its first {} events.",
        proof.event.id, proof.event.position, checkpoint.origin, checkpoint.time, checkpoint.size
    ))
}
