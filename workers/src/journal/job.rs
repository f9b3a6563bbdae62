//! A queued operation, and the caller that waits for its answer.

use tokio::sync::oneshot;

use super::JournalError;
use super::batch::{Batch, Operation};

/// An operation on its way through the writer.
pub(super) trait Job: Send {
    fn apply(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()>;

    /// Tells what came of it, once its batch was committed or given up.
    fn answer(self: Box<Self>, committed: Result<(), JournalError>);
}

/// An operation whose answer is waited for.
pub(super) struct Request<O: Operation> {
    operation: O,
    outcome: Option<O::Answer>,
    answer: oneshot::Sender<Result<O::Answer, JournalError>>,
}

/// An operation that nobody waits for.
pub(super) struct Notice<O>(pub(super) O);

pub(super) type Answer<O> = oneshot::Receiver<Result<<O as Operation>::Answer, JournalError>>;

impl<O: Operation> Request<O> {
    pub(super) fn new(operation: O) -> (Self, Answer<O>) {
        let (answer, answered) = oneshot::channel();
        let request = Self {
            operation,
            outcome: None,
            answer,
        };
        (request, answered)
    }
}

impl<O: Operation> Job for Request<O> {
    fn apply(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        self.outcome = Some(self.operation.apply(batch)?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), JournalError>) {
        let Self {
            outcome, answer, ..
        } = *self;
        // A caller that has stopped waiting needs no answer.
        let _ = answer.send(committed.and_then(|()| outcome.ok_or(JournalError::Closed)));
    }
}

impl<O: Operation> Job for Notice<O> {
    fn apply(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        self.0.apply(batch).map(drop)
    }

    fn answer(self: Box<Self>, _committed: Result<(), JournalError>) {}
}
