//! The queue in front of the store: operations that wait are committed together.
//!
//! A commit of many operations costs little more than a commit of one, so durability is cheap under
//! load.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::JournalError;
use super::operation::{Answer, Ask, Operation};
use super::store::{Store, StoreError};
use crate::permit::Permission;

/// Operations that may wait; further callers wait to get in line.
const LINE: usize = 4096;

/// Operations committed together at most, and bytes of theirs.
const MOST: usize = 2048;
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Operations in line that promise more, and how long a batch then waits for them.
const CROWD: usize = 16;
const GATHERING: Duration = Duration::from_millis(2);

/// Batches whose answers may wait to be given.
const ANSWERS: usize = 16;

type Answered = Result<Answer, JournalError>;
type Waiting = Option<oneshot::Sender<Answered>>;

/// Takes operations. Clones share it.
#[derive(Clone)]
pub(super) struct Queue {
    line: mpsc::Sender<Request>,
    permission: Permitted,
}

/// What says whether work may be done; nothing where it may always.
type Permitted = Option<Arc<watch::Receiver<Permission>>>;

/// An operation, and the caller that waits for its answer, if one does.
struct Request {
    operation: Operation,
    waiting: Waiting,
    permission: Permitted,
}

/// Takes requests from the line.
struct Line {
    requests: mpsc::Receiver<Request>,
    /// Taken from the line, and too much for the batch before.
    ahead: VecDeque<Request>,
}

impl Queue {
    /// Commits to `store` what gets in line until every clone is dropped, on a thread of its own: as
    /// a task it would stand in line behind those it has just answered.
    ///
    /// The answers are given by a task: woken from there, those who wait stay on its thread, and
    /// a batch costs one wake-up from outside the runtime instead of one for each.
    pub(super) fn start(store: impl Store) -> io::Result<Self> {
        let (queue, requests) = mpsc::channel(LINE);
        let (answers, answered) = mpsc::channel(ANSWERS);
        tokio::spawn(answer(answered));
        let line = Line {
            requests,
            ahead: VecDeque::new(),
        };
        thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || run(store, line, &answers))?;
        Ok(Self {
            line: queue,
            permission: None,
        })
    }

    /// The same line, in which work is refused that is not permitted when its turn comes.
    pub(super) fn permitted_by(&self, permission: watch::Receiver<Permission>) -> Self {
        Self {
            line: self.line.clone(),
            permission: Some(Arc::new(permission)),
        }
    }

    /// What an operation answers once it is durable.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` would keep room for the operation twice, and thousands wait here"
    )]
    pub(super) fn ask<O: Ask>(
        &self,
        operation: O,
    ) -> impl Future<Output = Result<O::Answer, JournalError>> {
        async move {
            let answered = {
                let place = self.place().await?;
                let (waiting, answered) = oneshot::channel();
                place.send(self.request(operation.operation(), Some(waiting)));
                answered
            };
            let answer = answered.await.map_err(|_| JournalError::Closed)??;
            O::answer(answer).ok_or(JournalError::Closed)
        }
    }

    /// Queues an operation without waiting for it.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` would keep room for the operation twice"
    )]
    pub(super) fn tell<O: Ask<Answer = ()>>(
        &self,
        operation: O,
    ) -> impl Future<Output = Result<(), JournalError>> {
        async move {
            let place = self.place().await?;
            place.send(self.request(operation.operation(), None));
            Ok(())
        }
    }

    /// Waits until nobody takes from the line any more.
    pub(super) async fn ended(&self) {
        self.line.closed().await;
    }

    /// How many operations nobody has taken yet.
    #[cfg(test)]
    fn waiting(&self) -> usize {
        self.line.max_capacity() - self.line.capacity()
    }

    /// A place in line, once there is one.
    async fn place(&self) -> Result<mpsc::Permit<'_, Request>, JournalError> {
        self.line.reserve().await.map_err(|_| JournalError::Closed)
    }

    fn request(&self, operation: Operation, waiting: Waiting) -> Request {
        Request {
            operation,
            waiting,
            permission: self.permission.clone(),
        }
    }
}

impl Request {
    fn is_permitted(&self, now: Instant) -> bool {
        let permission = self.permission.as_ref();
        !self.operation.is_work() || permission.is_none_or(|given| given.borrow().allows(now))
    }
}

impl Line {
    /// The next requests, as many as are committed together; none once the line is closed.
    fn next(&mut self) -> Vec<Request> {
        if self.ahead.is_empty() {
            self.ahead.extend(self.requests.blocking_recv());
        }
        self.take_waiting();
        if self.ahead.len() >= CROWD {
            thread::sleep(GATHERING);
            self.take_waiting();
        }
        self.ahead.drain(..self.fits()).collect()
    }

    fn take_waiting(&mut self) {
        while self.ahead.len() < MOST
            && let Ok(request) = self.requests.try_recv()
        {
            self.ahead.push_back(request);
        }
    }

    /// How many of those ahead fit into one batch: one in any case.
    fn fits(&self) -> usize {
        let mut bytes = 0;
        let fitting = self.ahead.iter().take_while(|request| {
            bytes += request.operation.size();
            bytes <= MOST_BYTES
        });
        fitting.count().max(1).min(self.ahead.len())
    }
}

fn run(mut store: impl Store, mut line: Line, answers: &mpsc::Sender<Vec<(Waiting, Answered)>>) {
    loop {
        let requests = line.next();
        if requests.is_empty() {
            return;
        }
        // As late as possible: this process may have slept since the requests were made.
        let now = Instant::now();
        let (permitted, refused): (Vec<_>, Vec<_>) = requests
            .into_iter()
            .partition(|request| request.is_permitted(now));
        for request in refused {
            if let Some(waiting) = request.waiting {
                // A caller that has stopped waiting needs no answer.
                let _ = waiting.send(Err(JournalError::NotPermitted));
            }
        }
        let (operations, waiting): (Vec<_>, Vec<_>) = permitted
            .into_iter()
            .map(|request| (request.operation, request.waiting))
            .unzip();
        if operations.is_empty() {
            continue;
        }
        let (answered, is_broken) = commit(&mut store, &operations);
        // Without the runtime nobody waits any longer; without that task nobody is answered.
        let given = answers.blocking_send(waiting.into_iter().zip(answered).collect());
        if given.is_err() || is_broken {
            return;
        }
    }
}

/// Commits `operations` together or, if one of them fails, each by itself, so that only the culprit
/// fails. Returns the answers, and whether the store is broken.
fn commit(store: &mut impl Store, operations: &[Operation]) -> (Vec<Answered>, bool) {
    match store.commit(operations) {
        Ok(answers) => (answers.into_iter().map(Ok).collect(), false),
        Err(StoreError::Operation(_)) if operations.len() > 1 => {
            let mut all = Vec::with_capacity(operations.len());
            for one in operations.chunks(1) {
                let (answers, is_broken) = commit(store, one);
                all.extend(answers);
                if is_broken {
                    all.resize_with(operations.len(), || Err(JournalError::Closed));
                    return (all, true);
                }
            }
            (all, false)
        }
        Err(error) => {
            tracing::error!(
                error = &**error.cause() as &dyn std::error::Error,
                operations = operations.len(),
                "the journal could not be written"
            );
            let failed = || match &error {
                StoreError::TakenOver(_) => Err(JournalError::TakenOver),
                error => Err(JournalError::Write(error.cause().clone())),
            };
            let answers = operations.iter().map(|_| failed()).collect();
            (answers, matches!(error, StoreError::Broken(_)))
        }
    }
}

async fn answer(mut batches: mpsc::Receiver<Vec<(Waiting, Answered)>>) {
    while let Some(batch) = batches.recv().await {
        for (waiting, answered) in batch {
            if let Some(waiting) = waiting {
                // A caller that has stopped waiting needs no answer.
                let _ = waiting.send(answered);
            }
        }
    }
}

#[cfg(test)]
mod tests;
