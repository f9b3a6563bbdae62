//! The options of `eventflows serve` about checkpoints, and the parts that they start.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auditor::key::{self, KeyError};
use auditor::post::{self, CheckpointUrl, Pace};
use clap::Args;
use client::Connector;
use domain::Clock;
use event_store::EventStore;
use event_store::audit::{CheckpointDir, Checkpointer, CheckpointerError, NoteError, Signer};
use eventflows_http::Readiness;
use tokio_util::sync::CancellationToken;

use crate::environment;
use crate::parts::{Part, Parts};

/// Options about signed checkpoints of the event log.
#[derive(Clone, Debug, Default, Args)]
pub struct CheckpointArgs {
    /// A directory to write signed checkpoints of the event log to. Put it on another disk or
    /// machine than the log, and copy it to where nobody here can change it. Without this option,
    /// no checkpoints are made.
    #[arg(long, env = "EVENTFLOWS_CHECKPOINTS")]
    pub(crate) checkpoints: Option<PathBuf>,
    /// The file of the private key, created if it does not exist [default: checkpoint.key in the
    /// data directory].
    #[arg(long, env = "EVENTFLOWS_CHECKPOINT_KEY")]
    pub(crate) checkpoint_key: Option<PathBuf>,
    /// The log's name in checkpoints, as a URL without its scheme [default: eventflows].
    #[arg(long, env = "EVENTFLOWS_CHECKPOINT_ORIGIN")]
    pub(crate) checkpoint_origin: Option<String>,
    /// An `http://…` or `https://…` address to POST each checkpoint to as well, as `text/plain`.
    /// The log does not wait for it; a checkpoint that is not accepted is posted again for a while.
    // A path may hold a secret, which --help would show.
    #[arg(long, env = "EVENTFLOWS_CHECKPOINT_URL", hide_env_values = true)]
    pub(crate) checkpoint_url: Option<CheckpointUrl>,
}

/// Why checkpoints cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointsError {
    #[error("cannot use the private key of checkpoints")]
    Key(#[from] KeyError),
    #[error("cannot use `checkpoint-origin`")]
    Origin(#[from] NoteError),
    #[error("`checkpoint-url` needs `checkpoints`")]
    NothingToPost,
    #[error("cannot load the certificates that this system trusts, to post checkpoints")]
    Certificates(#[source] std::io::Error),
}

/// The parts that make checkpoints and post them.
pub struct Checkpointing {
    pub checkpointer: Checkpointer,
    pub poster: Option<post::Poster<Connector>>,
}

impl CheckpointArgs {
    /// These options; those that are absent are `file`'s.
    #[must_use]
    pub(crate) fn or(self, file: Self) -> Self {
        Self {
            checkpoints: self.checkpoints.or(file.checkpoints),
            checkpoint_key: self.checkpoint_key.or(file.checkpoint_key),
            checkpoint_origin: self.checkpoint_origin.or(file.checkpoint_origin),
            checkpoint_url: self.checkpoint_url.or(file.checkpoint_url),
        }
    }

    /// The parts that make checkpoints of `store`, if they are wanted; `data` is the data directory.
    ///
    /// # Errors
    /// The key, the name or the URL cannot be used.
    pub fn open(
        &self,
        data: &Path,
        store: Arc<dyn EventStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Checkpointing>, CheckpointsError> {
        let Some(directory) = &self.checkpoints else {
            return match self.checkpoint_url {
                Some(_) => Err(CheckpointsError::NothingToPost),
                None => Ok(None),
            };
        };
        let path = self.checkpoint_key.clone();
        let path = path.unwrap_or_else(|| data.join("checkpoint.key"));
        let seed = key::load(&path, environment::random_seed)?;
        let origin = self.checkpoint_origin.as_deref().unwrap_or("eventflows");
        let signer = Signer::new(origin, &seed)?;
        let directory = CheckpointDir::new(directory);
        let checkpointer = Checkpointer::new(store, directory, signer, clock);
        let poster = match &self.checkpoint_url {
            Some(url) => {
                let http = client::https(url.uri()).map_err(CheckpointsError::Certificates)?;
                let client = post::Client::new(url.clone(), http);
                let newest = checkpointer.newest();
                Some(post::Poster::new(client, Pace::default(), newest))
            }
            None => None,
        };
        Ok(Some(Checkpointing {
            checkpointer,
            poster,
        }))
    }
}

impl Checkpointing {
    /// Starts the parts, which run until `stop`.
    pub fn start(self, stop: &CancellationToken, parts: &mut Parts) {
        let readiness = parts.readiness().clone();
        let signing = sign(self.checkpointer, readiness, stop.clone());
        parts.start(Part::Checkpointer, signing);
        if let Some(poster) = self.poster {
            parts.start(Part::CheckpointPoster, post(poster, stop.clone()));
        }
    }
}

/// Signs checkpoints. A log that is not the one that was signed is for people to look at: the
/// server stays up, but not ready.
async fn sign(
    checkpointer: Checkpointer,
    readiness: Readiness,
    stop: CancellationToken,
) -> Result<(), CheckpointerError> {
    let ended = checkpointer.run(stop.clone()).await;
    if let Err(refused @ CheckpointerError::Refused(_)) = &ended {
        tracing::error!(
            error = refused as &dyn std::error::Error,
            "nothing is signed"
        );
        readiness.lack(Part::Checkpointer.name(), refused);
        stop.cancelled().await;
    }
    ended
}

/// Posts checkpoints for as long as they are made; when that stops, another part has ended.
async fn post(poster: post::Poster<Connector>, stop: CancellationToken) -> Result<(), Infallible> {
    poster.run().await?;
    stop.cancelled().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::SystemClock;
    use crate::log;

    #[tokio::test]
    async fn a_url_without_a_directory_is_refused_and_without_either_nothing_is_started() {
        let data = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock);
        let store = log::open(None, data.path(), clock.clone()).await.unwrap();
        let mut args = CheckpointArgs::default();
        let started = args.open(data.path(), store.clone(), clock.clone());
        assert!(matches!(started, Ok(None)));
        args.checkpoint_url = Some("http://127.0.0.1:1/".parse().unwrap());
        let started = args.open(data.path(), store.clone(), clock.clone());
        assert!(matches!(started, Err(CheckpointsError::NothingToPost)));
        args.checkpoints = Some(data.path().join("checkpoints"));
        let started = args.open(data.path(), store, clock).unwrap().unwrap();
        assert!(started.poster.is_some());
    }
}
