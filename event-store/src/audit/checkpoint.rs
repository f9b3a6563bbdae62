//! Checkpoints: how large the log's tree was, and its root, in the C2SP `tlog-checkpoint` format.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::note::{NoteError, Signer, Verifier};
use super::tree::Hash;

/// Begins the extension line with the time, which the format leaves to each log.
const TIME: &str = "time ";

/// Why a checkpoint is not one.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("its text is not an origin, a size, a root and a time")]
    Malformed,
    #[error("it is of the log {0}")]
    Origin(String),
}

/// What a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, which is also its key's.
    pub origin: String,
    /// How many events the tree covers.
    pub size: u64,
    pub root: Hash,
    /// When it was made.
    pub time: Timestamp,
}

/// A checkpoint with the note it was read from, or is written as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    pub checkpoint: Checkpoint,
    pub note: String,
}

impl SignedCheckpoint {
    /// Signs that the tree over the first `size` events has `root`.
    #[must_use]
    pub fn sign(signer: &Signer, size: u64, root: Hash, time: Timestamp) -> Self {
        let checkpoint = Checkpoint {
            origin: signer.verifier().name().to_owned(),
            size,
            root,
            time,
        };
        let note = signer.sign(&checkpoint.text());
        Self { checkpoint, note }
    }

    /// Reads a note that `verifier` must have signed.
    ///
    /// # Errors
    /// It is not a checkpoint, not of the key's log, or not signed by the key.
    pub fn open(note: &str, verifier: &Verifier) -> Result<Self, CheckpointError> {
        let checkpoint = Checkpoint::parse(verifier.open(note)?)?;
        if checkpoint.origin != verifier.name() {
            return Err(CheckpointError::Origin(checkpoint.origin));
        }
        let note = note.to_owned();
        Ok(Self { checkpoint, note })
    }
}

impl Checkpoint {
    fn text(&self) -> String {
        let root = STANDARD.encode(self.root);
        let (origin, size, time) = (&self.origin, self.size, self.time);
        format!("{origin}\n{size}\n{root}\n{TIME}{time}\n")
    }

    fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.lines();
        let mut line = || lines.next().ok_or(CheckpointError::Malformed);
        let (origin, size, root) = (line()?, line()?, line()?);
        let time = line()?
            .strip_prefix(TIME)
            .ok_or(CheckpointError::Malformed)?;
        let root = STANDARD
            .decode(root)
            .map_err(|_| CheckpointError::Malformed)?;
        let checkpoint = Self {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| CheckpointError::Malformed)?,
            root: root.try_into().map_err(|_| CheckpointError::Malformed)?,
            time: time.parse().map_err(|_| CheckpointError::Malformed)?,
        };
        // One spelling only, so that what was signed is what is understood.
        if checkpoint.text() != text {
            return Err(CheckpointError::Malformed);
        }
        Ok(checkpoint)
    }
}
