//! What the control plane asks of workers: it holds no broker's SDK itself.
//!
//! Requests are not events. One that is lost with its worker is asked again by its caller.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::broker::{BrokerSettings, DiscoveredTopic};
use domain::listener::ResetTarget;
use domain::{Ids, TopicName, WorkerId};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Requests that wait for one worker at most.
const QUEUE: usize = 64;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
/// The same where the answer is merely good to know.
const SHORT_PATIENCE: Duration = Duration::from_secs(3);

/// Why a finding of another kind is no answer.
const NOT_ASKED: &str = "the worker's answer is of another kind than the request";

/// The topics of an answer at most, in all its parts.
const MOST_TOPICS: usize = 100_000;

/// Something that a worker is to find out.
#[derive(Clone, Debug)]
pub struct Request {
    pub id: Uuid,
    /// Only the worker that is asked knows it.
    pub secret: Uuid,
    pub asked: Asked,
}

/// What there is to find out.
#[derive(Clone, Debug)]
pub enum Asked {
    /// The topics of a broker.
    Topics(BrokerSettings),
    /// How many messages wait for a consumer group.
    Backlog(BacklogOf),
}

/// A consumer group of a topic.
#[derive(Clone, Debug)]
pub struct BacklogOf {
    pub settings: BrokerSettings,
    pub topic: TopicName,
    pub group: Uuid,
    /// Where it begins where it has no position.
    pub start: ResetTarget,
    /// The number of the last reset of its position, or 0: what it committed under another one is no
    /// position of it.
    pub reset: u64,
}

/// How many messages wait for a consumer group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Whether it has a position in any partition.
    pub has_position: bool,
    pub waiting: u64,
}

/// What a worker found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Topics(Vec<DiscoveredTopic>),
    Backlog(Backlog),
}

/// What a worker found, or why it found nothing.
pub type Answered<T> = Result<T, String>;

/// What a worker answers, or a part of it.
#[derive(Clone, Debug)]
pub struct Answer {
    pub worker: WorkerId,
    pub request: Uuid,
    pub secret: Uuid,
    pub part: Part,
}

#[derive(Clone, Debug)]
pub enum Part {
    Topics {
        topics: Vec<DiscoveredTopic>,
        /// Whether another part follows.
        more: bool,
    },
    Backlog(Backlog),
    Failed(String),
}

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
    workers: HashMap<WorkerId, Attending>,
    waiting: HashMap<Uuid, Waiting>,
}

/// A worker that takes requests.
struct Attending {
    requests: mpsc::Sender<Request>,
    /// How many it was sent: of workers with as little to do, the one that did least is next.
    sent: u64,
}

/// A request that is not answered yet.
struct Waiting {
    worker: WorkerId,
    secret: Uuid,
    /// The parts that have arrived.
    topics: Vec<DiscoveredTopic>,
    answer: oneshot::Sender<Answered<Found>>,
}

/// A request under way, which is forgotten when its caller no longer waits.
struct UnderWay<'r> {
    requests: &'r WorkerRequests,
    id: Uuid,
    answered: oneshot::Receiver<Answered<Found>>,
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

    /// The requests that `worker` is to answer from now on, in place of an earlier subscription of
    /// the same worker.
    pub fn attend(&self, worker: WorkerId) -> mpsc::Receiver<Request> {
        let (requests, receiver) = mpsc::channel(QUEUE);
        let attending = Attending { requests, sent: 0 };
        self.state().workers.insert(worker, attending);
        receiver
    }

    /// Has a worker list the topics of a broker: the one with the fewest requests to answer.
    ///
    /// # Errors
    /// No worker attends, or the one that was asked did not answer in time.
    pub async fn list_topics(
        &self,
        settings: &BrokerSettings,
    ) -> Result<Answered<Vec<DiscoveredTopic>>, AskError> {
        let under_way = self.ask(Asked::Topics(settings.clone()))?;
        let answered = under_way.within(PATIENCE).await?;
        Ok(answered.and_then(|found| match found {
            Found::Topics(topics) => Ok(topics),
            Found::Backlog(_) => Err(NOT_ASKED.to_owned()),
        }))
    }

    /// Has a worker find out what waits for a consumer group. It is not waited for as long as others:
    /// somebody has done something else, and waits for the answer.
    ///
    /// # Errors
    /// No worker attends, or the one that was asked did not answer in time.
    pub async fn backlog(&self, of: BacklogOf) -> Result<Answered<Backlog>, AskError> {
        let under_way = self.ask(Asked::Backlog(of))?;
        let answered = under_way.within(SHORT_PATIENCE).await?;
        Ok(answered.and_then(|found| match found {
            Found::Backlog(backlog) => Ok(backlog),
            Found::Topics(_) => Err(NOT_ASKED.to_owned()),
        }))
    }

    fn ask(&self, asked: Asked) -> Result<UnderWay<'_>, AskError> {
        let request = Request {
            id: self.ids.next(),
            secret: self.ids.next(),
            asked,
        };
        let (answer, answered) = oneshot::channel();
        let mut state = self.state();
        let worker = state.send(&request).ok_or(AskError::NoWorker)?;
        let waiting = Waiting {
            worker,
            secret: request.secret,
            topics: Vec::new(),
            answer,
        };
        state.waiting.insert(request.id, waiting);
        Ok(UnderWay {
            requests: self,
            id: request.id,
            answered,
        })
    }

    /// Takes a part of an answer; false where this worker was not asked, or its answer is not
    /// waited for any more.
    pub fn answer(&self, answer: Answer) -> bool {
        let mut state = self.state();
        let Some(waiting) = state.waiting.get_mut(&answer.request) else {
            return false;
        };
        if (waiting.worker, waiting.secret) != (answer.worker, answer.secret) {
            return false;
        }
        let whole = match answer.part {
            Part::Failed(text) => Err(text),
            Part::Backlog(backlog) => Ok(Found::Backlog(backlog)),
            Part::Topics { topics, more } => {
                waiting.topics.extend(topics);
                if waiting.topics.len() > MOST_TOPICS {
                    Err(format!("the broker has more than {MOST_TOPICS} topics"))
                } else if more {
                    return true;
                } else {
                    Ok(Found::Topics(std::mem::take(&mut waiting.topics)))
                }
            }
        };
        let waiting = state.waiting.remove(&answer.request);
        waiting.is_some_and(|waiting| waiting.answer.send(whole).is_ok())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic leaves it whole: no single statement changes it in part.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Sends the request to the least loaded worker that takes it.
    fn send(&mut self, request: &Request) -> Option<WorkerId> {
        self.workers
            .retain(|_, worker| !worker.requests.is_closed());
        let load = |id: &WorkerId| {
            let waiting = self.waiting.values();
            waiting.filter(|waiting| waiting.worker == *id).count()
        };
        let workers = self.workers.iter();
        let mut workers: Vec<_> = workers
            .map(|(id, worker)| (load(id), worker.sent, *id))
            .collect();
        workers.sort_unstable();
        workers.into_iter().find_map(|(_, _, id)| {
            let worker = self.workers.get_mut(&id)?;
            worker.requests.try_send(request.clone()).ok()?;
            worker.sent += 1;
            Some(id)
        })
    }
}

impl UnderWay<'_> {
    async fn within(mut self, patience: Duration) -> Result<Answered<Found>, AskError> {
        match tokio::time::timeout(patience, &mut self.answered).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(AskError::TimedOut),
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.requests.state().waiting.remove(&self.id);
    }
}
