//! Proofs that the log continues an earlier checkpoint, as JSON files.

use event_store::audit::{CheckpointDir, ConsistencyProof, Verifier, prove_consistency};
use serde::{Deserialize, Serialize};

use super::{hashes, to_json, written};
use crate::failure::Failure;

pub(super) const FORMAT: &str = "eventflows consistency proof 1";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsistencyFile {
    format: String,
    /// The signed note of the earlier checkpoint.
    earlier: String,
    /// Base64, in the order of RFC 6962.
    path: Vec<String>,
    /// The signed note of the later checkpoint.
    checkpoint: String,
}

/// The proof that the newest checkpoint continues the one in the note `earlier`.
pub(super) fn prove(
    directory: &CheckpointDir,
    verifier: &Verifier,
    earlier: &str,
) -> Result<String, Failure> {
    let proof = prove_consistency(directory, verifier, earlier)?;
    let file = ConsistencyFile {
        format: FORMAT.to_owned(),
        earlier: proof.earlier,
        path: written(&proof.path),
        checkpoint: proof.checkpoint,
    };
    Ok(to_json(&file))
}

/// What the proof in `text` proves.
pub(super) fn check(text: &str, verifier: &Verifier) -> Result<String, Failure> {
    let file: ConsistencyFile = serde_json::from_str(text).map_err(Failure::ProofForm)?;
    let proof = ConsistencyProof {
        earlier: file.earlier,
        path: hashes(&file.path)?,
        checkpoint: file.checkpoint,
    };
    let (earlier, later) = proof.check(verifier)?;
    Ok(format!(
        "The log {}, as signed at {} for {} events, begins with what was signed at {} for {} \
         events.",
        later.origin, later.time, later.size, earlier.time, earlier.size
    ))
}
