//! Proofs as JSON files: that the log holds an event, and that it continues an earlier checkpoint.

mod consistency;
mod inclusion;

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{EventId, Position};
use event_store::EventStore;
use event_store::audit::{CheckpointDir, Hash, Verifier};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::file::{MAX_NOTE, read_text};

/// The most bytes of a proof: an event of any size, escaped, and some hashes.
const MAX_PROOF: u64 = 64 * 1024 * 1024;

/// The event that is to be proved.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    Event(EventId),
    Position(Position),
}

/// The proof that the log holds an event, as the text of a file.
///
/// # Errors
/// The log or its checkpoints cannot be read, or no checkpoint covers the event.
pub async fn prove_event(
    store: &dyn EventStore,
    directory: &CheckpointDir,
    verifier: &Verifier,
    subject: Subject,
) -> Result<String, Failure> {
    inclusion::prove(store, directory, verifier, subject).await
}

/// The proof that the newest checkpoint continues the one in the file `earlier`, as the text of a
/// file. The log itself is not needed.
///
/// # Errors
/// A checkpoint cannot be read or is not signed, or the newest does not continue the earlier one.
pub fn prove_consistency(
    directory: &CheckpointDir,
    verifier: &Verifier,
    earlier: &Path,
) -> Result<String, Failure> {
    consistency::prove(directory, verifier, &read_text(earlier, MAX_NOTE)?)
}

/// The field that says how to read the rest of a file.
#[derive(Debug, Deserialize)]
struct Format {
    format: String,
}

/// What the proof in a file proves, in a sentence.
///
/// # Errors
/// The file cannot be read, or the proof proves nothing.
pub fn check(proof: &Path, verifier: &Verifier) -> Result<String, Failure> {
    let text = read_text(proof, MAX_PROOF)?;
    let Format { format } = serde_json::from_str(&text).map_err(Failure::ProofForm)?;
    match format.as_str() {
        inclusion::FORMAT => inclusion::check(&text, verifier),
        consistency::FORMAT => consistency::check(&text, verifier),
        _ => Err(Failure::ProofFormat(format)),
    }
}

fn to_json(file: &impl Serialize) -> String {
    serde_json::to_string_pretty(file).expect("texts and numbers are JSON")
}

fn written(path: &[Hash]) -> Vec<String> {
    path.iter().map(|hash| STANDARD.encode(hash)).collect()
}

fn hashes(path: &[String]) -> Result<Vec<Hash>, Failure> {
    let hash = |text: &String| -> Option<Hash> { STANDARD.decode(text).ok()?.try_into().ok() };
    let hashes: Option<_> = path.iter().map(hash).collect();
    hashes.ok_or(Failure::ProofHash)
}
