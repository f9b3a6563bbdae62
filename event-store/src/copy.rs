//! Copies a log into another backend, byte for byte, and proves the copy by the roots of both.
//!
//! It can be stopped at any moment and started again: each batch is imported whole or not at all,
//! and what the target holds is compared with the source before anything is added.

mod batches;

use std::sync::Arc;

use domain::Position;

use self::batches::{Batches, Digest};
use crate::audit::Hash;
use crate::import::{Import, ImportError, StoredBatch};
use crate::port::{EventStore, ReadError};

/// What a copy came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// How many events both logs hold: those of the source when the copy began.
    pub events: u64,
    /// How many of them the target held before.
    pub before: u64,
    /// The root of the Merkle tree over them, the same for both.
    pub root: Hash,
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub stage: Stage,
    pub done: u64,
    pub of: u64,
}

/// What a copy is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Comparing what the target holds already.
    Comparing,
    Copying,
    /// Reading the whole target again.
    Verifying,
}

/// Why a log was not copied. The target then holds a beginning of the source, unless it held
/// something else before.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("the log that is copied from cannot be read")]
    Source(#[source] ReadError),
    #[error("the log that is copied to cannot be read")]
    Target(#[source] ReadError),
    #[error("the log that is copied to cannot be written")]
    Import(#[from] ImportError),
    #[error("the log that is copied to holds something else at position {0}")]
    Differs(Position),
    /// Nothing differs when it is looked at again: something changed it in the meantime.
    #[error("the log that is copied to was changed while it was verified; start again")]
    Changed,
}

/// Copies the events of `source` that there are now, and the records of their commands, to
/// `target`, which may hold a beginning of them. Tells `progress` after every batch.
///
/// Memory holds two batches at a time, each of some megabytes.
///
/// # Errors
/// The target holds anything else, in which case nothing is added; or a log cannot be used.
pub async fn copy(
    source: Arc<dyn EventStore>,
    target: &dyn Import,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Copied, CopyError> {
    let until = source.head().await.map_err(CopyError::Source)?;
    let held = target.log().head().await.map_err(CopyError::Target)?;
    let mut told = |stage, done: Position, of: Position| {
        progress(Progress {
            stage,
            done: done.0,
            of: of.0,
        });
    };
    let common = until.min(held);
    let (mut digest, mut batches) = (Digest::default(), Batches::of(source.clone(), until));
    let mut there = Batches::of(target.log(), common);
    compare(&mut batches, &mut there, |batch, last| {
        digest.take(batch);
        told(Stage::Comparing, last, common);
    })
    .await?;
    if held > until {
        return Err(CopyError::Differs(Position(until.0 + 1)));
    }
    transfer(&mut batches, target, |batch, last| {
        digest.take(batch);
        told(Stage::Copying, last, until);
    })
    .await?;
    let mut again = Digest::default();
    let mut there = Batches::of(target.log(), until);
    read_on(&mut there, |batch, last| {
        again.take(batch);
        told(Stage::Verifying, last, until);
    })
    .await?;
    if again != digest {
        let (mut here, mut there) = (Batches::of(source, until), Batches::of(target.log(), until));
        compare(&mut here, &mut there, |_, _| {}).await?;
        return Err(CopyError::Changed);
    }
    Ok(Copied {
        events: until.0,
        before: held.0,
        root: digest.root(),
    })
}

/// Reads both on to the end of `there`; hands on each batch that is the same in both, with its
/// last position.
async fn compare(
    here: &mut Batches,
    there: &mut Batches,
    mut same: impl FnMut(&StoredBatch, Position),
) -> Result<(), CopyError> {
    loop {
        let theirs = there.next().await.map_err(CopyError::Target)?;
        let Some(last) = theirs.last() else {
            return Ok(());
        };
        let ours = here.up_to(last).await.map_err(CopyError::Source)?;
        if let Some(position) = first_difference(&ours, &theirs) {
            return Err(CopyError::Differs(position));
        }
        same(&ours, last);
    }
}

/// Imports the rest of `batches`, reading one while another is written; hands on each that is in
/// the target, with its last position.
async fn transfer(
    batches: &mut Batches,
    target: &dyn Import,
    mut imported: impl FnMut(&StoredBatch, Position),
) -> Result<(), CopyError> {
    let mut batch = batches.next().await.map_err(CopyError::Source)?;
    while let Some(last) = batch.last() {
        let (done, next) = tokio::join!(target.import(&batch), batches.next());
        done?;
        imported(&batch, last);
        batch = next.map_err(CopyError::Source)?;
    }
    Ok(())
}

/// Reads the target to the end of `there`; hands on each batch with its last position.
async fn read_on(
    there: &mut Batches,
    mut read: impl FnMut(&StoredBatch, Position),
) -> Result<(), CopyError> {
    loop {
        let batch = there.next().await.map_err(CopyError::Target)?;
        let Some(last) = batch.last() else {
            return Ok(());
        };
        read(&batch, last);
    }
}

/// Where the batches, which begin at one position, are not the same.
fn first_difference(ours: &StoredBatch, theirs: &StoredBatch) -> Option<Position> {
    let mut events = ours.events.iter().zip(&theirs.events);
    let event = events.find(|(our, their)| our != their);
    let event = event.map(|(our, _)| our.position);
    let mut commands = ours.commands.iter().zip(&theirs.commands);
    let command = commands.find(|(our, their)| our != their);
    let command = command.map(|(our, _)| our.appended.first);
    let shorter = || {
        let (events, commands) = (theirs.events.len(), theirs.commands.len());
        let shorter = ours.events.len() != events || ours.commands.len() != commands;
        shorter
            .then(|| ours.after())
            .map(|after| Position(after.0 + 1))
    };
    event.into_iter().chain(command).min().or_else(shorter)
}

#[cfg(test)]
mod tests;
