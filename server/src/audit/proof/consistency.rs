//! Proofs that the log continues an earlier checkpoint, as JSON files.

use std::fs;
use std::path::Path;

use event_store::audit::{ConsistencyProof, Verifier, prove_consistency};
use serde::{Deserialize, Serialize};

use super::{hashes, written};
use crate::audit::{Failure, TrustArgs};

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

/// The proof that the newest checkpoint continues the one in the file `earlier`.
pub(super) fn prove(
    trust: &TrustArgs,
    verifier: &Verifier,
    earlier: &Path,
) -> Result<String, Failure> {
    let earlier = fs::read_to_string(earlier)
        .map_err(|error| format!("cannot read the checkpoint {}: {error}", earlier.display()))?;
    let proof = prove_consistency(&trust.directory(), verifier, &earlier)?;
    let file = ConsistencyFile {
        format: FORMAT.to_owned(),
        earlier: proof.earlier,
        path: written(&proof.path),
        checkpoint: proof.checkpoint,
    };
    Ok(serde_json::to_string_pretty(&file)?)
}

/// What the proof in `text` proves.
pub(super) fn check(text: &str, verifier: &Verifier) -> Result<String, Failure> {
    let file: ConsistencyFile = serde_json::from_str(text)?;
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
