//! The options of `eventflows serve` about checkpoints, and the part that they start.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use domain::Clock;
use event_store::EventStore;
use event_store::audit::{CheckpointDir, Checkpointer, NoteError, Signer};

use super::key::{self, KeyError};

/// Options about signed checkpoints of the event log.
#[derive(Clone, Debug, Default, Args)]
pub struct CheckpointArgs {
    /// A directory to write signed checkpoints of the event log to: on another disk or machine
    /// than the log, and copied to where nobody here can change it. Without it none are made.
    #[arg(long, env = "EVENTFLOWS_CHECKPOINTS")]
    pub(crate) checkpoints: Option<PathBuf>,
    /// The file of the private key, made where it is absent [default: checkpoint.key in the data
    /// directory].
    #[arg(long, env = "EVENTFLOWS_CHECKPOINT_KEY")]
    pub(crate) checkpoint_key: Option<PathBuf>,
    /// The log's name in checkpoints, as a URL without its scheme [default: eventflows].
    #[arg(long, env = "EVENTFLOWS_CHECKPOINT_ORIGIN")]
    pub(crate) checkpoint_origin: Option<String>,
}

/// Why no checkpoints can be made.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointsError {
    #[error("the private key of checkpoints cannot be used")]
    Key(#[from] KeyError),
    #[error("the name in checkpoints cannot be used")]
    Origin(#[from] NoteError),
}

impl CheckpointArgs {
    /// These options, and where one is not given, that of `file`.
    #[must_use]
    pub(crate) fn or(self, file: Self) -> Self {
        Self {
            checkpoints: self.checkpoints.or(file.checkpoints),
            checkpoint_key: self.checkpoint_key.or(file.checkpoint_key),
            checkpoint_origin: self.checkpoint_origin.or(file.checkpoint_origin),
        }
    }

    /// The part that makes checkpoints of `store`, where they are wanted; `data` is the data
    /// directory.
    ///
    /// # Errors
    /// The key or the name cannot be used.
    pub fn checkpointer(
        &self,
        data: &Path,
        store: Arc<dyn EventStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Checkpointer>, CheckpointsError> {
        let Some(directory) = &self.checkpoints else {
            return Ok(None);
        };
        let path = self.checkpoint_key.clone();
        let seed = key::load(&path.unwrap_or_else(|| data.join("checkpoint.key")))?;
        let origin = self.checkpoint_origin.as_deref().unwrap_or("eventflows");
        let signer = Signer::new(origin, &seed)?;
        let directory = CheckpointDir::new(directory);
        Ok(Some(Checkpointer::new(store, directory, signer, clock)))
    }
}
