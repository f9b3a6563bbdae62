//! Direct runs, as the API asks for them and the worker inside makes them.

use api::run::direct::{
    Begun, DirectFailure, DirectOutcome, DirectResult, DirectRun, DirectRunner, DirectRunnerError,
};
use async_trait::async_trait;
use workers::{DirectError, DirectRuns, DirectVersion};

/// Direct runs of the worker inside.
pub struct WorkerRuns(DirectRuns);

impl WorkerRuns {
    /// The runs of `direct`.
    #[must_use]
    pub fn new(direct: DirectRuns) -> Self {
        Self(direct)
    }
}

#[async_trait]
impl DirectRunner for WorkerRuns {
    async fn begin(&self, run: DirectRun) -> Result<Begun, DirectRunnerError> {
        let version = run.version;
        let run = workers::DirectRun {
            algorithm: version.algorithm.to_string(),
            version: DirectVersion {
                version: version.version.to_string(),
                endpoint: version.endpoint,
                protocol: version.protocol,
                timeout_ms: version.timeout_ms,
            },
            content_type: run.content_type,
            body: run.body,
            timeout: run.timeout,
            room: run.room,
        };
        let begun = self.0.begin(run).await.map_err(failed)?;
        Ok(Begun {
            id: begun.id,
            outcome: Box::pin(async { begun.outcome().await.map(outcome).map_err(failed) }),
        })
    }
}

fn outcome(outcome: workers::DirectOutcome) -> DirectOutcome {
    let ended = match outcome.ended {
        Ok(result) => Ok(DirectResult {
            content_type: result.content_type,
            body: result.body,
        }),
        Err(failure) => Err(DirectFailure {
            answer: failure.answer,
            text: failure.text,
            stacktrace: failure.stacktrace,
        }),
    };
    DirectOutcome {
        duration: outcome.duration,
        ended,
    }
}

fn failed(error: DirectError) -> DirectRunnerError {
    match error {
        DirectError::Crowded => DirectRunnerError::Crowded,
        error => DirectRunnerError::Unavailable(Box::new(error)),
    }
}
