//! Policies answer events with commands.
//!
//! A policy is a fold of the log that always knows what is out of order now. Its remedies are
//! commands with ids made from the events they answer, and each command looks again before it
//! does anything: a crash at any step, and any repetition, ends in the same log.

pub mod orphans;
pub mod remedy;

use std::sync::Arc;
use std::time::Duration;

use domain::{Envelope, Position};
use event_store::{FollowError, ReadError};
use futures_util::StreamExt;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::execute::{Engine, Failure};
pub use orphans::Orphans;
pub use remedy::{Remedy, RemedyStep};

/// How many events a policy takes in before it looks whether it has caught up.
const CHUNK: usize = 512;

/// How long what is still out of order waits to be answered again, unless an event comes first.
const AGAIN: Duration = Duration::from_secs(1);

/// Follows the log with the policy that ends what lost its grant, its algorithm or its
/// broker, and moves what used a replaced one, until `shutdown`.
///
/// # Errors
/// The log is damaged or holds an event that this program does not know.
pub async fn run(engine: Arc<Engine>, shutdown: CancellationToken) -> Result<(), FollowError> {
    let mut orphans = Orphans::default();
    let mut position = Position::default();
    let mut events = engine.store().follow(position).ready_chunks(CHUNK);
    loop {
        let chunk = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            chunk = events.next() => chunk,
            () = sleep(AGAIN), if !orphans.is_empty() => Some(Vec::new()),
        };
        let Some(chunk) = chunk else { return Ok(()) };
        for envelope in chunk {
            let envelope = envelope?;
            position = envelope.position;
            take_in(&mut orphans, &envelope)?;
        }
        // Behind the head, what looks orphaned may have been mended by an event still to come.
        match engine.store().head().await {
            Ok(head) if position >= head => answer(&engine, &mut orphans).await,
            // While the log is away, the follower waits for it; then all is looked at again.
            Ok(_) | Err(ReadError::Unavailable(_)) => {}
            Err(damage) => return Err(damage.into()),
        }
    }
}

fn take_in(orphans: &mut Orphans, envelope: &Envelope) -> Result<(), FollowError> {
    orphans.apply(envelope, &event_store::decode(envelope)?);
    Ok(())
}

/// Executes what is out of order. What fails stays out of order, and is answered again.
async fn answer(engine: &Engine, orphans: &mut Orphans) {
    for remedy in orphans.remedies() {
        match remedy.execute(engine).await {
            Ok(()) => {}
            Err(error) => log_failure(&error),
        }
    }
}

fn log_failure(error: &Failure) {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "a policy could not execute its command and will try again"
    );
}
