//! Runs that a caller of the gateway asks for. A worker makes them, behind a port: the control
//! plane calls no endpoint.

use std::any::Any;
use std::error::Error;
use std::time::Duration;

use bytes::Bytes;

use super::{BoxFuture, CalledVersion};
use crate::ids::{AlgorithmId, RunId};
use crate::settlement;

/// A run to make.
pub struct DirectRun {
    pub algorithm: AlgorithmId,
    pub version: CalledVersion,
    pub content_type: &'static str,
    pub body: Bytes,
    /// How long the run may take in all; each call also has the version's own time.
    pub timeout: Duration,
    /// The room that it takes among all runs: dropped when it has ended.
    pub room: Box<dyn Any + Send>,
}

/// A run whose claim is durable. It continues whether or not its outcome is waited for.
pub struct StartedRun {
    /// What its endpoint and its publishers know it by.
    pub id: RunId,
    /// Ready once the decision is durable.
    pub outcome: BoxFuture<'static, Result<DirectOutcome, DirectError>>,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct DirectOutcome {
    /// How long the calls took.
    pub duration: Duration,
    pub ended: Result<DirectResult, DirectFailure>,
}

#[derive(Clone, Debug)]
pub struct DirectResult {
    /// As the endpoint said.
    pub content_type: Option<String>,
    /// As the endpoint said, where the bytes are not as they are.
    pub content_encoding: Option<String>,
    pub body: Bytes,
}

#[derive(Clone, Debug)]
pub struct DirectFailure {
    pub answer: settlement::Answer,
    /// More about it, for people.
    pub text: Option<String>,
    pub stacktrace: Option<String>,
}

/// Why there was no run, or its outcome is not known.
#[derive(Debug, thiserror::Error)]
pub enum DirectError {
    /// Too many results, of all or of this algorithm, wait for topics that do not take them.
    #[error("too many results wait to be published")]
    Crowded,
    #[error("no worker is available for direct runs")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// What makes direct runs.
pub trait DirectRunner: Send + Sync {
    /// Starts a run, and answers when its claim is durable.
    fn start(&self, run: DirectRun) -> BoxFuture<'_, Result<StartedRun, DirectError>>;
}
