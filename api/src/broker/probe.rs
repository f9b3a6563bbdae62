//! Looking at a broker through a worker.

use domain::broker::{BrokerSettings, DiscoveredTopic};

use crate::job::JobStepKind;
use crate::mutation::call::Task;
use crate::user_error::{UserError, UserErrorCode};
use crate::worker::AskError;

/// Has a worker look at a broker: its topics, or why it found nothing.
pub(super) async fn look(
    task: &Task,
    settings: &BrokerSettings,
) -> Result<Result<Vec<DiscoveredTopic>, String>, UserError> {
    task.progress.step(JobStepKind::ListTopics, None);
    match task.control.requests.list_topics(settings).await {
        Ok(Ok(topics)) => {
            task.progress.topics(topics.len(), topics.len());
            task.progress
                .step(JobStepKind::RecordTopics, Some(topics.len()));
            Ok(Ok(topics))
        }
        Ok(Err(reason)) => Ok(Err(reason)),
        Err(AskError::NoWorker) => Err(UserError::new(
            UserErrorCode::NoWorker,
            "no worker is available to look at the broker; start one and try again",
            &[],
        )),
        Err(AskError::TimedOut) => Ok(Err("the worker did not answer in time".to_owned())),
    }
}
