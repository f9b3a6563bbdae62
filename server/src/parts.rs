//! The parts of a server that run by themselves. None may end unnoticed while it serves.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use domain::codec::DecodeError;
use eventflows_http::Readiness;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

type Failure = Box<dyn Error + Send + Sync>;

/// A part, as logs and `/readyz` call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Projector,
    Policy,
    Snapshots,
    Http,
    Checkpointer,
    CheckpointPoster,
    Journal,
    Worker,
}

/// How a part ended, before it was asked to or after.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    #[error("{part} failed")]
    Failed {
        part: Part,
        #[source]
        source: Failure,
    },
    #[error("{0} panicked")]
    Panicked(Part),
    #[error("{0} ended although the server was not stopped")]
    Ended(Part),
}

/// The parts that run.
pub struct Parts {
    running: JoinSet<Result<(), Failure>>,
    names: HashMap<Id, Part>,
    readiness: Readiness,
    /// The first error of a part, which is the server's.
    error: Option<PartError>,
}

impl Part {
    /// The word that logs and `/readyz` have for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Projector => "the projector",
            Self::Policy => "the policy",
            Self::Snapshots => "the snapshots of the past",
            Self::Http => "the HTTP server",
            Self::Checkpointer => "the checkpointer",
            Self::CheckpointPoster => "the checkpoint poster",
            Self::Journal => "the journal",
            Self::Worker => "the worker",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartError {
    /// Whether `error` comes from an event that only a newer version of this program knows: to
    /// start this one again is of no use.
    #[must_use]
    pub fn is_of_newer_event(error: &(dyn Error + 'static)) -> bool {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(DecodeError::UnknownType(_) | DecodeError::NewerSchema { .. }) =
                error.downcast_ref()
            {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

impl Parts {
    /// No parts yet. When one fails, `readiness` says so.
    #[must_use]
    pub fn new(readiness: Readiness) -> Self {
        Self {
            running: JoinSet::new(),
            names: HashMap::new(),
            readiness,
            error: None,
        }
    }

    /// What says whether the server is ready.
    #[must_use]
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Runs a part.
    pub fn start<E>(
        &mut self,
        part: Part,
        work: impl Future<Output = Result<(), E>> + Send + 'static,
    ) where
        E: Into<Failure> + Send + 'static,
    {
        let work = async move { work.await.map_err(Into::into) };
        let task = self.running.spawn(work);
        self.names.insert(task.id(), part);
    }

    /// Waits until a part has ended, which none does by itself. From then on the server is not
    /// ready.
    pub async fn failed(&mut self) {
        match self.next().await {
            Some((_, Some(error))) => self.note(error),
            Some((part, None)) => self.note(PartError::Ended(part)),
            None => std::future::pending().await,
        }
    }

    /// Waits until `part`, which was asked to end, has ended.
    pub async fn until_ended(&mut self, part: Part) {
        while self.names.values().any(|running| *running == part) {
            let Some((ended, error)) = self.next().await else {
                return;
            };
            match error {
                Some(error) => self.note(error),
                None if ended == part => {}
                None => self.note(PartError::Ended(ended)),
            }
        }
    }

    /// Waits, for at most `patience`, until all parts, which were asked to end, have ended.
    pub async fn all_ended(&mut self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while let Ok(Some((_, error))) = timeout_at(deadline, self.next()).await {
            if let Some(error) = error {
                self.note(error);
            }
        }
        for part in self.names.values() {
            tracing::warn!(%part, "a part did not stop in time");
        }
    }

    /// How the parts fared so far.
    ///
    /// # Errors
    /// The first error of any of them.
    pub fn outcome(&mut self) -> Result<(), PartError> {
        self.error.take().map_or(Ok(()), Err)
    }

    /// The next part to end, and how if not well.
    async fn next(&mut self) -> Option<(Part, Option<PartError>)> {
        let ended = self.running.join_next_with_id().await?;
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let part = self.names.remove(&id)?;
        Some((part, end(part, ended)))
    }

    fn note(&mut self, error: PartError) {
        tracing::error!(error = &error as &dyn Error, "a part failed");
        let part = match &error {
            PartError::Failed { part, .. } | PartError::Panicked(part) | PartError::Ended(part) => {
                *part
            }
        };
        self.readiness.lack(part.name(), &error);
        self.error.get_or_insert(error);
    }
}

fn end(part: Part, ended: Result<(Id, Result<(), Failure>), JoinError>) -> Option<PartError> {
    match ended {
        Ok((_, Ok(()))) => None,
        Ok((_, Err(source))) => Some(PartError::Failed { part, source }),
        Err(_) => Some(PartError::Panicked(part)),
    }
}

#[cfg(test)]
mod tests;
