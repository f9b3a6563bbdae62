//! Proofs that the log holds an event, as JSON files.

use domain::{EventId, Position};
use event_store::EventStore;
use event_store::audit::{CheckpointDir, EventProof, Verifier, prove as prove_position};
use serde::{Deserialize, Serialize};

use super::{hashes, written};
use crate::audit::Failure;
use crate::audit::row::EventRow;

pub(super) const FORMAT: &str = "eventflows inclusion proof 1";

/// Which event is to be proved.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    Event(EventId),
    Position(Position),
}

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
    wanted: Wanted,
) -> Result<String, Failure> {
    let position = match wanted {
        Wanted::Position(position) => position,
        Wanted::Event(id) => {
            let found = store.find(id).await?;
            found.ok_or_else(|| format!("the log has no event {id}"))?
        }
    };
    let proof = prove_position(store, directory, verifier, position).await?;
    if let Wanted::Event(id) = wanted
        && id != proof.event.id
    {
        return Err(
            format!("the log's index says that {id} stands at {position}: it does not").into(),
        );
    }
    let file = ProofFile {
        format: FORMAT.to_owned(),
        event: proof.event.into(),
        leaf_index: position.0 - 1,
        path: written(&proof.path),
        checkpoint: proof.checkpoint,
    };
    Ok(serde_json::to_string_pretty(&file)?)
}

/// What the proof in `text` proves.
pub(super) fn check(text: &str, verifier: &Verifier) -> Result<String, Failure> {
    let file: ProofFile = serde_json::from_str(text)?;
    let proof = EventProof {
        event: file.event.try_into()?,
        path: hashes(&file.path)?,
        checkpoint: file.checkpoint,
    };
    if proof.event.position.0.checked_sub(1) != Some(file.leaf_index) {
        return Err("the leaf is not the event's".into());
    }
    let checkpoint = proof.check(verifier)?;
    Ok(format!(
        "The event {} is at position {} of the log {}, as signed at {} for its first {} events.",
        proof.event.id, proof.event.position, checkpoint.origin, checkpoint.time, checkpoint.size
    ))
}
