//! What the control plane asks of workers: it holds no broker's SDK itself.
//!
//! Requests are not events. One that is lost with its worker is asked again by its caller.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::broker::{BrokerSettings, DiscoveredTopic};
use domain::{Ids, WorkerId};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Requests that wait for one worker at most.
const QUEUE: usize = 64;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// A broker to list the topics of.
#[derive(Clone, Debug)]
pub struct TopicsRequest {
    pub id: Uuid,
    pub settings: BrokerSettings,
}

/// The topics of a broker, or why the worker found none.
pub type TopicsAnswer = Result<Vec<DiscoveredTopic>, String>;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskError {
    NoWorker,
    TimedOut,
}

/// The requests under way.
pub struct WorkerRequests {
    ids: Arc<dyn Ids>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    workers: HashMap<WorkerId, mpsc::Sender<TopicsRequest>>,
    waiting: HashMap<Uuid, oneshot::Sender<TopicsAnswer>>,
}

impl WorkerRequests {
    /// No workers, no requests.
    #[must_use]
    pub fn new(ids: Arc<dyn Ids>) -> Self {
        Self {
            ids,
            state: Mutex::default(),
        }
    }

    /// The requests that `worker` is to answer from now on. Whoever asked for them before as the
    /// same worker gets no more.
    pub fn attend(&self, worker: WorkerId) -> mpsc::Receiver<TopicsRequest> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        self.state().workers.insert(worker, sender);
        receiver
    }

    /// Has some worker list the topics of a broker.
    ///
    /// # Errors
    /// No worker is there, or none answered in time.
    pub async fn list_topics(&self, settings: &BrokerSettings) -> Result<TopicsAnswer, AskError> {
        let id = self.ids.next();
        let (sender, answer) = oneshot::channel();
        {
            let mut state = self.state();
            state.workers.retain(|_, worker| !worker.is_closed());
            let request = TopicsRequest {
                id,
                settings: settings.clone(),
            };
            let taken = state
                .workers
                .values()
                .any(|worker| worker.try_send(request.clone()).is_ok());
            if !taken {
                return Err(AskError::NoWorker);
            }
            state.waiting.insert(id, sender);
        }
        let answered = tokio::time::timeout(PATIENCE, answer).await;
        self.state().waiting.remove(&id);
        match answered {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(AskError::TimedOut),
        }
    }

    /// Hands a worker's answer to whoever waits for it; false where nobody does any more.
    pub fn answer(&self, id: Uuid, answer: TopicsAnswer) -> bool {
        let waiting = self.state().waiting.remove(&id);
        waiting.is_some_and(|sender| sender.send(answer).is_ok())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // The state is whole between any two statements, so a poisoned one is as good as any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
