//! Runs that somebody asks for directly. A worker makes them, behind a port: the control plane
//! calls no endpoint and holds no broker's SDK.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::algorithm::VersionPublished;
use domain::settlement::Answer;
use futures_util::future::BoxFuture;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

/// A run that somebody asks for.
pub struct DirectRun {
    pub version: VersionPublished,
    pub content_type: &'static str,
    pub body: Bytes,
    /// How long it may take in all; each call also has the version's own time.
    pub timeout: Duration,
    /// The room that it takes among all of them, free again when it has ended.
    pub room: OwnedSemaphorePermit,
}

/// A run that continues whether or not anybody waits for its end.
pub struct Begun {
    pub id: Uuid,
    /// Ready once the decision is durable.
    pub outcome: BoxFuture<'static, Result<DirectOutcome, DirectRunnerError>>,
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
    pub body: Bytes,
}

#[derive(Clone, Debug)]
pub struct DirectFailure {
    pub answer: Answer,
    /// More about it, for people.
    pub text: Option<String>,
    pub stacktrace: Option<String>,
}

/// Why there was no run, or nobody can say what came of it.
#[derive(Debug, thiserror::Error)]
pub enum DirectRunnerError {
    /// It may be asked for again later.
    #[error("too much waits to be published")]
    Crowded,
    #[error("no worker makes runs now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Who makes direct runs.
#[async_trait]
pub trait DirectRunner: Send + Sync {
    /// Begins a run, and answers when it is durably known.
    async fn begin(&self, run: DirectRun) -> Result<Begun, DirectRunnerError>;
}
