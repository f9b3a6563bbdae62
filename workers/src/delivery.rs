//! The way of a message: claim, invoke, decide, publish, settle.
//!
//! Nothing is settled before its decision is durable and published. Whatever goes wrong before
//! leaves the message to be delivered again, and the journal knows how far it had come.

mod answer;
pub(crate) mod batch;
pub(crate) mod blocks;
pub(crate) mod call;
pub(crate) mod called;
mod calling;
pub(crate) mod claim;
mod dead_letter;
mod decide;
pub(crate) mod endpoint;
pub(crate) mod expressions;
pub(crate) mod gate;
mod header;
pub(crate) mod input;
mod invoke;
mod publish;
mod request;
pub(crate) mod result;
mod retry_after;
mod sampled;
mod settle;
mod tried;

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use brokers::{Delivery, Memory, Message, Room};
use domain::listener::TombstonePolicy;
use domain::settlement::Reason;
use domain::{AlgorithmId, Assignment, Ids, ListenerId};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::batch::Batches;
use self::blocks::{Block, Blocks};
use self::calling::Calling;
use self::claim::Run;
use self::endpoint::Endpoints;
use self::expressions::Expressions;
use self::gate::{Expected, Gate};
use crate::connections::Connections;
use crate::crash::Point;
use crate::journal::{Journal, JournalError, ListenerKey, Pending};
use crate::lanes::{Held, Turn};
use crate::lease::Lease;
use crate::meters::Meter;
use crate::publishers::Publishers;
use crate::sends::Sends;

/// What all messages of one consumer share.
pub(crate) struct Pipeline {
    pub(crate) listener: ListenerId,
    /// The consumer group, the namespace of the run ids.
    pub(crate) group: Uuid,
    pub(crate) key: ListenerKey,
    pub(crate) assignment: watch::Receiver<Arc<Assignment>>,
    pub(crate) journal: Journal,
    pub(crate) endpoints: Endpoints,
    pub(crate) expressions: Expressions,
    pub(crate) batches: Batches,
    pub(crate) connections: Arc<Connections>,
    pub(crate) publishers: Arc<Publishers>,
    pub(crate) gate: Gate,
    pub(crate) blocks: Blocks,
    pub(crate) meter: Arc<Meter>,
    pub(crate) ids: Arc<dyn Ids>,
    /// The runs whose endpoints are being called.
    pub(crate) calling: Calling,
    /// What messages and results take, of all consumers together.
    pub(crate) memory: Memory,
    /// How many results are held until they are published.
    pub(crate) results: AtomicUsize,
    pub(crate) lease: Arc<Lease>,
    pub(crate) sends: Arc<Sends>,
    pub(crate) algorithm: Arc<AlgorithmId>,
    /// Cancelled when the assignment is withdrawn: it may permit nothing any more.
    pub(crate) withdrawn: CancellationToken,
    /// Cancelled when the consumer stops: calls under way end, nothing waits any longer.
    pub(crate) stopping: CancellationToken,
    /// Cancelled when calls under way are given up, too.
    pub(crate) giving_up: CancellationToken,
    /// Holds the failure that ends the consumer: the first.
    pub(crate) failed: mpsc::Sender<Failure>,
}

/// A received message.
pub(crate) struct Received {
    pub(crate) delivery: Delivery,
    /// Where it was taken on as a probe of an endpoint that is down.
    pub(crate) expected: Option<Expected>,
    pub(crate) turn: Turn,
}

/// Why a message was left unsettled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsettled {
    /// The consumer stops; the message goes back.
    #[error("the consumer stops")]
    Stopped,
    /// Another reader has the message, and takes it from where it was left.
    #[error("another reader has the message")]
    Lost,
    #[error("the journal does not answer")]
    Journal(#[from] JournalError),
}

/// Why a consumer has to end: a message could not be brought to its end, and is to come again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the task of a message panicked: {0}")]
    Panicked(String),
}

/// Takes messages all the way, each by itself once they are claimed: where one fails, the others
/// go on for as long as the consumer lets them.
pub(crate) async fn deliver(pipeline: &Pipeline, received: Vec<Received>) {
    Point::Received.pass();
    let claimed = match claim::claim(pipeline, received).await {
        Ok(claimed) => claimed,
        Err(error) => return pipeline.fail(error.into()),
    };
    Point::Claimed.pass();
    // Boxed: what a message needs on its way is some kilobytes, and would be moved for each layer.
    let take = |(received, run)| Box::pin(take(pipeline, received, run));
    let mut under_way: FuturesUnordered<_> = claimed
        .map(|taken| AssertUnwindSafe(take(taken)).catch_unwind())
        .collect();
    while let Some(ended) = under_way.next().await {
        match ended {
            Ok(Ok(()) | Err(Unsettled::Stopped | Unsettled::Lost)) => {}
            Ok(Err(Unsettled::Journal(error))) => pipeline.fail(error.into()),
            Err(panic) => pipeline.fail(Failure::panicked(&*panic)),
        }
    }
}

/// Takes a message all the way once its turn has come, and lets the next one of its lane go.
#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` would keep room for its arguments twice"
)]
fn take(
    pipeline: &Pipeline,
    mut received: Received,
    mut run: Run,
) -> impl Future<Output = Result<(), Unsettled>> {
    async move {
        if !received.turn.has_come() {
            // It is no probe for now.
            received.expected = None;
            pipeline.unless_stopping(received.turn.come()).await??;
        }
        let expected = received.expected.take();
        let taken = match take_in_turn(pipeline, &received.delivery, &mut run, expected).await {
            Ok(to_be_noted) => {
                received.delivery.settle();
                settle::note(pipeline, &run, to_be_noted).await
            }
            Err(unsettled) => Err(unsettled),
        };
        // The journal records that it is published before it records the next decision of the lane, so
        // that no crash has it published again after the next one.
        if matches!(taken, Ok(()) | Err(Unsettled::Lost)) {
            received.turn.pass();
        }
        taken
    }
}

/// Takes a message up to where it can be settled; answers whether it was published only now, which is
/// to be noted.
///
/// Thousands of messages may wait in here, a few of them for more than the journal. What they need for
/// that is allocated apart, for as long as they do.
async fn take_in_turn(
    pipeline: &Pipeline,
    delivery: &Delivery,
    run: &mut Run,
    expected: Option<Expected>,
) -> Result<bool, Unsettled> {
    // Held until the result is published.
    let _result;
    let decision = match run.decision.take() {
        Some(decision) => {
            _result = pipeline.hold_result(decision.draft.size());
            Some(decision)
        }
        None => {
            let finding = invoke::invoke(pipeline, delivery, run, expected).await?;
            _result = pipeline.hold_result(finding.size());
            Point::Answered.pass();
            decide::decide(pipeline, &delivery.message, run, finding).await?
        }
    };
    let Some(mut decision) = decision else {
        return Ok(false);
    };
    match std::mem::take(&mut decision.draft.pending) {
        Pending::Nothing => Ok(false),
        Pending::DeadLetter => {
            Box::pin(publish::dead_letter(pipeline, delivery, run, &decision)).await?;
            Point::DeadLettered.pass();
            Ok(true)
        }
        Pending::Result(publication) => {
            let publish = publish::result(pipeline, delivery, run, &decision, publication);
            Box::pin(publish).await?;
            Point::Published.pass();
            Ok(true)
        }
    }
}

impl From<Held> for Unsettled {
    /// The message ahead is unsettled because the consumer ends, or is about to.
    fn from(_: Held) -> Self {
        Self::Stopped
    }
}

/// Leaves a message to the reader that has it now.
fn unless_lost(delivery: &Delivery) -> Result<(), Unsettled> {
    if delivery.is_lost() {
        return Err(Unsettled::Lost);
    }
    Ok(())
}

impl Failure {
    pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self::Panicked(text.unwrap_or_default().to_owned())
    }
}

impl Pipeline {
    /// Ends the consumer.
    fn fail(&self, failure: Failure) {
        // Where another failure is there already, that one does.
        let _ = self.failed.try_send(failure);
    }

    pub(crate) fn current(&self) -> Arc<Assignment> {
        Arc::clone(&self.assignment.borrow())
    }

    /// Counts a result until the answer is dropped.
    fn hold_result(&self, bytes: usize) -> HeldResult<'_> {
        self.results.fetch_add(1, Ordering::SeqCst);
        HeldResult {
            results: &self.results,
            _room: self.memory.take(bytes),
        }
    }

    /// Waits until there may be another result: while memory is full, only where none is held that
    /// will give some back.
    async fn room_for_result(&self) -> Result<(), Unsettled> {
        let has_room = || !self.memory.is_full() || self.results.load(Ordering::SeqCst) == 0;
        while !has_room() {
            let mut freed = std::pin::pin!(self.memory.freed().notified());
            freed.as_mut().enable();
            if !has_room() {
                self.unless_stopping(freed).await?;
            }
        }
        Ok(())
    }

    /// Waits until the worker has a lease.
    async fn leased(&self) -> Result<(), Unsettled> {
        if self.lease.is_valid() {
            return Ok(());
        }
        self.unless_stopping(self.lease.valid()).await
    }

    /// Whether a call under that assignment may begin at this moment.
    fn may_call(&self, assignment: &Assignment) -> Result<bool, Unsettled> {
        if self.stopping.is_cancelled() {
            return Err(Unsettled::Stopped);
        }
        let current = self.current();
        let is_same = current.version == assignment.version && is_callable(&current);
        Ok(is_same && self.lease.is_valid())
    }

    /// The assignment that is or comes to be such that `holds`, with what it held.
    async fn until<T>(
        &self,
        mut holds: impl FnMut(&Arc<Assignment>) -> Option<T>,
    ) -> Result<(Arc<Assignment>, T), Unsettled> {
        let current = self.current();
        if let Some(held) = holds(&current) {
            return Ok((current, held));
        }
        let mut assignment = self.assignment.clone();
        // Apart, for it is seldom waited for.
        let wanted = Box::pin(async {
            loop {
                let current = Arc::clone(&assignment.borrow_and_update());
                if let Some(held) = holds(&current) {
                    return Ok((current, held));
                }
                // The sender goes when the consumer does.
                assignment.changed().await.map_err(|_| Unsettled::Stopped)?;
            }
        });
        self.unless_stopping(wanted).await?
    }

    async fn unless_stopping<T>(&self, step: impl Future<Output = T>) -> Result<T, Unsettled> {
        tokio::select! {
            biased;
            done = step => Ok(done),
            () = self.stopping.cancelled() => Err(Unsettled::Stopped),
        }
    }

    async fn pause(&self, wait: Duration) -> Result<(), Unsettled> {
        self.unless_stopping(tokio::time::sleep(wait)).await
    }
}

/// A result that is in memory.
struct HeldResult<'p> {
    results: &'p AtomicUsize,
    _room: Room,
}

impl Drop for HeldResult<'_> {
    /// Before its bytes are given back, which is what others wait for.
    fn drop(&mut self) {
        self.results.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether a message exceeds the listener's limit and is never sent.
fn is_too_large(assignment: &Assignment, message: &Message) -> bool {
    message.body_len() as u64 > assignment.settings.max_message_bytes
}

/// Whether the listener leaves out a message because it has no body.
fn is_skipped(assignment: &Assignment, message: &Message) -> bool {
    message.body.is_none() && assignment.settings.tombstones == TombstonePolicy::Skip
}

/// Holds the listener where it has no dead letter queue. Where it has one that it may not use, the
/// consumer holds it.
fn no_dlq(pipeline: &Pipeline, assignment: &Assignment, text: &str) -> Option<Block> {
    let none = assignment.dlq.is_none();
    none.then(|| pipeline.blocks.enter(Reason::NoDlq, text))
}

/// Whether there is a version to call that the listener may call.
fn is_callable(assignment: &Assignment) -> bool {
    assignment.version.is_some() && !assignment.dlq_not_granted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of the future that `take` makes, in bytes.
    fn size_of_future<O>(_take: impl FnOnce(&'static Pipeline, Received, Run) -> O) -> usize {
        size_of::<O>()
    }

    /// Thousands of messages of a listener are on their way at once, most of which wait. What they
    /// take has to stay in the processor's caches; before steps were allocated apart it was 6 KiB.
    #[test]
    fn a_message_on_its_way_takes_little_room() {
        let size = size_of_future(take);
        assert!(size < 3584, "{size} bytes");
    }
}
