//! Group commit: one writer takes the appends that wait, commits them together and answers each.
//!
//! It makes durability cheap under load: the disk is synced once for everyone in line.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use domain::{EventId, NewEvent, Position};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::batch::Outcome;
use crate::port::{Append, AppendError, MAX_PAYLOAD_BYTES, ReadError};

/// Appends that may wait for the writer; further callers wait to get in line.
const QUEUE: usize = 1024;

/// Appends committed together at most.
const MAX_BATCH: usize = 256;

/// How long an append waits, in line and for its commit. Only where a database or a disk has gone
/// silent does it take longer.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// How a backend commits. There is one value in a process for each open log.
pub(crate) trait Commit: Send + 'static {
    /// Commits what can be appended of `appends` in one transaction, each as if after the ones
    /// before it. Answers the outcomes in order and the log's last position.
    ///
    /// An error means that none was appended, or that the commit's answer was lost.
    async fn commit(&mut self, appends: &[Append])
    -> Result<(Vec<Outcome>, Position), sqlx::Error>;

    /// Finds out whether an append would be committed, without one.
    async fn probe(&mut self) -> Result<(), sqlx::Error>;

    /// Whether `error` means that one of a batch broke a rule of the tables, as by an event id
    /// that is taken.
    fn breaks_a_rule(error: &sqlx::Error) -> bool;

    /// Called once, after the last commit.
    async fn close(self);
}

/// The line of appends before a log's writer.
pub(crate) struct Queue(mpsc::Sender<Request>);

/// What is in line, and where its answer goes.
enum Request {
    Append(Append, oneshot::Sender<Outcome>),
    Probe(oneshot::Sender<Result<(), Arc<sqlx::Error>>>),
}

impl Queue {
    /// Starts a writer that commits by `commit` and raises `head` with every commit. It ends with
    /// the queue, after what is in line.
    ///
    /// It has a thread of its own: as a task it would stand in line behind those it has just
    /// answered, after each of its statements.
    pub(crate) fn start(commit: impl Commit, head: watch::Sender<Position>) -> io::Result<Self> {
        let (queue, requests) = mpsc::channel(QUEUE);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new()
            .name("event-log".to_owned())
            .spawn(move || runtime.block_on(run(commit, head, requests)))?;
        Ok(Self(queue))
    }

    /// Waits in line and for the answer.
    pub(crate) async fn append(&self, append: Append) -> Outcome {
        check(&append)?;
        let (answer, outcome) = oneshot::channel();
        let outcome = self.ask(Request::Append(append, answer), outcome).await;
        outcome.map_err(AppendError::Unavailable)?
    }

    /// Whether the log can be appended to; waits in line too.
    pub(crate) async fn probe(&self) -> Result<(), ReadError> {
        let (answer, outcome) = oneshot::channel();
        let outcome = self.ask(Request::Probe(answer), outcome).await;
        let outcome = outcome.map_err(ReadError::Unavailable)?;
        outcome.map_err(|error| ReadError::Unavailable(Box::new(error)))
    }

    async fn ask<T>(
        &self,
        request: Request,
        answer: oneshot::Receiver<T>,
    ) -> Result<T, Unanswered> {
        // The writer runs as long as its queue, unless it panicked.
        let ended = "the log's writer has ended";
        let asking = async {
            self.0.send(request).await.map_err(|_| ended)?;
            answer.await.map_err(|_| ended)
        };
        match timeout(LONGEST_WAIT, asking).await {
            Ok(answered) => Ok(answered?),
            Err(_) => Err(format!("the log's writer gave no answer in {LONGEST_WAIT:?}").into()),
        }
    }
}

/// Why the writer gave no answer at all.
type Unanswered = Box<dyn Error + Send + Sync>;

/// Raises `head` to `position`, unless it is there already.
pub(crate) fn raise(head: &watch::Sender<Position>, position: Position) {
    head.send_if_modified(|head| {
        let raised = position > *head;
        *head = position.max(*head);
        raised
    });
}

/// Refuses what needs no look at the log.
fn check(append: &Append) -> Result<(), AppendError> {
    if append.events.is_empty() {
        return Err(AppendError::Empty);
    }
    let is_foreign =
        |(index, event): (usize, &NewEvent)| event.id != EventId::of_command(append.command, index);
    if append.events.iter().enumerate().any(is_foreign) {
        return Err(AppendError::ForeignEventId(append.command));
    }
    let too_large = |event: &&NewEvent| event.payload.len() > MAX_PAYLOAD_BYTES;
    match append.events.iter().find(too_large) {
        Some(event) => Err(AppendError::PayloadTooLarge {
            type_name: event.type_name,
            bytes: event.payload.len(),
        }),
        None => Ok(()),
    }
}

async fn run<C: Commit>(
    mut commit: C,
    head: watch::Sender<Position>,
    mut queue: mpsc::Receiver<Request>,
) {
    let mut requests = Vec::with_capacity(MAX_BATCH);
    while queue.recv_many(&mut requests, MAX_BATCH).await > 0 {
        let (mut appends, mut answers, mut probes) = (Vec::new(), Vec::new(), Vec::new());
        for request in requests.drain(..) {
            match request {
                Request::Append(append, answer) => {
                    appends.push(append);
                    answers.push(answer);
                }
                Request::Probe(answer) => probes.push(answer),
            }
        }
        if !appends.is_empty() {
            let outcomes = outcomes(&mut commit, &head, &appends).await;
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                // A caller that has stopped waiting can ask again by its command id.
                let _ = answer.send(outcome);
            }
        }
        if !probes.is_empty() {
            let outcome = commit.probe().await.map_err(Arc::new);
            for answer in probes {
                let _ = answer.send(outcome.clone());
            }
        }
    }
    commit.close().await;
}

/// The outcome of each of `appends`, in order.
async fn outcomes<C: Commit>(
    commit: &mut C,
    head: &watch::Sender<Position>,
    appends: &[Append],
) -> Vec<Outcome> {
    match commit.commit(appends).await {
        Ok((outcomes, last)) => {
            raise(head, last);
            outcomes
        }
        // Each on its own, so that the others do not suffer.
        Err(error) if appends.len() > 1 && C::breaks_a_rule(&error) => {
            let mut outcomes = Vec::with_capacity(appends.len());
            for append in appends.chunks(1) {
                outcomes.extend(match commit.commit(append).await {
                    Ok((outcome, last)) => {
                        raise(head, last);
                        outcome
                    }
                    Err(error) => unavailable(error, 1),
                });
            }
            outcomes
        }
        Err(error) => unavailable(error, appends.len()),
    }
}

/// The failure that `callers` share.
fn unavailable(error: sqlx::Error, callers: usize) -> Vec<Outcome> {
    tracing::error!(
        error = &error as &dyn Error,
        appends = callers,
        "the event log could not be written"
    );
    let error = Arc::new(error);
    (0..callers)
        .map(|_| Err(AppendError::Unavailable(Box::new(Arc::clone(&error)))))
        .collect()
}
