//! The publishers of versions, as the control plane knows them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{AlgorithmId, BrokerId, TopicId, Version};
use tokio::time::Instant;

use crate::control_plane::frame::VersionOutputs;
use crate::control_plane::{CallError, ControlPlane};

/// How long an answer is recent.
const RECENT: Duration = Duration::from_secs(1);

/// Answers kept at most.
const MOST: usize = 1024;

/// When the control plane was asked for the publishers of versions, and what it answered.
type Answers = HashMap<(AlgorithmId, Version), (Instant, Arc<VersionOutputs>)>;

/// Asks the control plane where results go.
pub(crate) struct Publishers {
    control_plane: ControlPlane,
    answers: Mutex<Answers>,
}

/// Where a recorded output is published now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    To(TopicId),
    /// Its publisher is gone.
    Gone,
}

impl Publishers {
    pub(crate) fn new(control_plane: ControlPlane) -> Self {
        Self {
            control_plane,
            answers: Mutex::default(),
        }
    }

    /// Where the results of a version go now.
    pub(crate) async fn now(
        &self,
        algorithm: &AlgorithmId,
        version: &Version,
    ) -> Result<Arc<VersionOutputs>, CallError> {
        let asked_at = Instant::now();
        let outputs = self.control_plane.outputs(algorithm, version).await?;
        let outputs = Arc::new(outputs);
        let mut answers = self.answers();
        if answers.len() >= MOST {
            answers.clear();
        }
        let key = (algorithm.clone(), version.clone());
        answers.insert(key, (asked_at, Arc::clone(&outputs)));
        Ok(outputs)
    }

    /// Where the results of a version went a moment ago. That is enough for a decision, because
    /// publishers are looked up again before anything is published.
    pub(crate) async fn recently(
        &self,
        algorithm: &AlgorithmId,
        version: &Version,
    ) -> Result<Arc<VersionOutputs>, CallError> {
        let key = (algorithm.clone(), version.clone());
        let known = self.answers().get(&key).cloned();
        match known {
            Some((asked_at, outputs)) if asked_at.elapsed() < RECENT => Ok(outputs),
            _ => self.now(algorithm, version).await,
        }
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Route {
    /// Where `output` is published while results go to `standing`: to itself, or to the topic of its
    /// name on the broker that `took_over` from its own.
    pub(crate) fn of(
        output: &TopicId,
        standing: &[TopicId],
        took_over: impl Fn(BrokerId, BrokerId) -> bool,
    ) -> Self {
        if standing.contains(output) {
            return Self::To(output.clone());
        }
        let successor = standing
            .iter()
            .find(|topic| topic.topic == output.topic && took_over(topic.broker, output.broker));
        successor.map_or(Self::Gone, |topic| Self::To(topic.clone()))
    }
}

#[cfg(test)]
mod tests {
    use domain::testing::{broker_id, topic_id};

    use super::*;

    fn on(broker: &str) -> TopicId {
        TopicId {
            broker: broker_id(broker),
            ..topic_id("scores")
        }
    }

    #[test]
    fn an_output_follows_its_publisher_to_the_broker_that_took_over() {
        let took_over =
            |broker, earlier| broker == broker_id("next") && earlier == broker_id("before");
        let other = topic_id("others");
        for (standing, expected) in [
            (vec![on("before")], Route::To(on("before"))),
            (vec![other.clone(), on("next")], Route::To(on("next"))),
            (vec![on("elsewhere")], Route::Gone),
            (vec![other], Route::Gone),
            (vec![], Route::Gone),
        ] {
            assert_eq!(Route::of(&on("before"), &standing, took_over), expected);
        }
    }
}
