//! Reading the change feed: once per process from the database, and from memory for everybody who
//! follows it.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Position, Thing};
use tokio::sync::watch;

use super::{MORE, POSITIONS_KEPT};
use crate::database::{FromRow, Row, Statement};
use crate::error::ReadModelError;
use crate::model::{self, CHECKPOINT, ReadModel, stored_position};

/// Rows read at once. Every position has fewer: what is found for one event is bounded.
const ROWS: usize = 4096;

/// Positions with changes that are handed out at once.
const AT_ONCE: usize = 256;

/// Positions with changes that are held in memory at most.
const MOST_HELD: usize = 4096;

/// What the held changes may take in memory, as estimated by [`ThingsChanged::bytes`].
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// What changed at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThingsChanged {
    pub position: Position,
    pub things: Vec<Thing>,
    /// More changed than is named.
    pub more: bool,
}

/// What changed after a position.
#[derive(Clone, Debug)]
pub struct Changes {
    /// That is all up to here.
    pub reached: Position,
    pub changes: Vec<Arc<ThingsChanged>>,
}

/// Why changes cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum ChangesError {
    #[error(
        "{behind} events happened since position {after}; the changes of the last \
         {POSITIONS_KEPT} are kept"
    )]
    TooOld { after: Position, behind: u64 },
    #[error(transparent)]
    Model(#[from] ReadModelError),
}

/// The latest changes, as long as they are few enough.
#[derive(Debug)]
pub(crate) struct Feed {
    held: Mutex<Held>,
    /// Whether a task is reading what comes next.
    reading: watch::Sender<bool>,
}

#[derive(Debug)]
struct Held {
    /// All changes after here, up to `reached`, are held.
    after: Position,
    reached: Position,
    changes: VecDeque<Arc<ThingsChanged>>,
    bytes: usize,
}

impl ReadModel {
    /// What changed after `after`, as far as the rows show it; some of it where it is much.
    ///
    /// However many subscribers there are, each change is read from the database once. Only a
    /// subscriber further behind than is held in memory causes another read.
    ///
    /// # Errors
    /// The changes after `after` are no longer kept, or the database cannot answer.
    pub async fn changes(&self, after: Position) -> Result<Changes, ChangesError> {
        let shown = self.position();
        let behind = shown.0.saturating_sub(after.0);
        if behind > POSITIONS_KEPT {
            return Err(ChangesError::TooOld { after, behind });
        }
        self.hold_until(shown).await;
        let held = self.feed().held().after(after, shown);
        match held {
            Some(changes) => Ok(changes),
            None => Ok(self.read_changes(after).await?),
        }
    }

    /// Has the changes up to `shown` held, unless the database cannot be read.
    ///
    /// A task of its own reads them: a subscriber that waits for a slow client is not polled, and
    /// must not keep anything that the others wait for.
    async fn hold_until(&self, shown: Position) {
        if self.feed().held().reached >= shown {
            return;
        }
        let mut reading = self.feed().reading.subscribe();
        let idle = |reading: &mut bool| !std::mem::replace(reading, true);
        if self.feed().reading.send_if_modified(idle) {
            let model = self.clone();
            tokio::spawn(async move {
                if let Err(error) = model.hold_next().await {
                    let error = &error as &dyn Error;
                    tracing::warn!(error, "the change feed could not be read");
                }
                model.feed().reading.send_replace(false);
            });
        }
        // The model, which sends, is there as long as this borrow of it.
        let _ = reading.wait_for(|reading| !reading).await;
    }

    /// Reads what is not held yet.
    async fn hold_next(&self) -> Result<(), ReadModelError> {
        loop {
            let reached = self.feed().held().reached;
            if reached >= self.position() {
                return Ok(());
            }
            let read = self.read_changes(reached).await?;
            self.feed().held().take(read);
        }
    }

    /// The changes after `after` as the database has them: whole positions, as many as a page has.
    async fn read_changes(&self, after: Position) -> Result<Changes, ReadModelError> {
        let rows = Statement::new(
            "SELECT position, kind, key FROM changes WHERE position > ?1 \
             ORDER BY position, kind, key LIMIT ?2",
        )
        .bind(stored_position(after))
        .bind(i64::try_from(ROWS).unwrap_or(i64::MAX));
        // At the same moment, so that the checkpoint and the rows belong together.
        let mut answers = self.answers(vec![Statement::new(CHECKPOINT), rows]).await?;
        let rows: Vec<ChangeRow> = model::rows(answers.pop().unwrap_or_default())?;
        let mut reached = model::position_in(answers.pop().unwrap_or_default())?;
        let whole = rows.len() < ROWS;
        let mut changes = gather(rows);
        if !whole {
            // The page may end within a position.
            changes.pop();
            reached = changes.last().map_or(after, |last| last.position);
        }
        let changes = changes.into_iter().map(Arc::new).collect();
        Ok(Changes { reached, changes })
    }
}

impl Feed {
    /// A feed that holds what comes after `position`.
    pub(crate) fn after(position: Position) -> Self {
        let held = Held {
            after: position,
            reached: position,
            changes: VecDeque::new(),
            bytes: 0,
        };
        let (reading, _) = watch::channel(false);
        Self {
            held: Mutex::new(held),
            reading,
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // A panic leaves it whole: no single statement changes it in part.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Takes in what comes next, and lets go of what is too much.
    fn take(&mut self, read: Changes) {
        self.reached = read.reached;
        for changed in read.changes {
            self.bytes += changed.bytes();
            self.changes.push_back(changed);
        }
        while self.changes.len() > MOST_HELD || self.bytes > MOST_BYTES {
            let Some(oldest) = self.changes.pop_front() else {
                return;
            };
            self.bytes -= oldest.bytes();
            self.after = oldest.position;
        }
    }

    /// The changes after `after`; none where they are not held, or not up to `shown`.
    fn after(&self, after: Position, shown: Position) -> Option<Changes> {
        if after < self.after || self.reached < shown {
            return None;
        }
        let first = self.changes.partition_point(|c| c.position <= after);
        let changes: Vec<_> = self.changes.range(first..).take(AT_ONCE).cloned().collect();
        let reached = if changes.len() < AT_ONCE {
            self.reached.max(after)
        } else {
            changes.last().map_or(after, |last| last.position)
        };
        Some(Changes { reached, changes })
    }
}

impl ThingsChanged {
    /// About what it takes in memory.
    fn bytes(&self) -> usize {
        let things = self.things.iter();
        things
            .map(|thing| 128 + thing.to_string().len())
            .sum::<usize>()
            + 128
    }
}

/// A row of the feed: a thing, or that there are more.
struct ChangeRow {
    position: Position,
    thing: Option<Thing>,
}

fn gather(rows: Vec<ChangeRow>) -> Vec<ThingsChanged> {
    let mut changes: Vec<ThingsChanged> = Vec::new();
    for ChangeRow { position, thing } in rows {
        if changes.last().is_none_or(|last| last.position != position) {
            changes.push(ThingsChanged {
                position,
                things: Vec::new(),
                more: false,
            });
        }
        if let Some(last) = changes.last_mut() {
            last.more |= thing.is_none();
            last.things.extend(thing);
        }
    }
    changes
}

impl FromRow for ChangeRow {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        let position = row.take()?;
        let (kind, key): (String, String) = (row.take()?, row.take()?);
        let thing = Thing::parse(&kind, &key);
        if thing.is_none() && kind != MORE {
            let odd = format!("{kind} {key:?} is nothing that changes");
            return Err(ReadModelError::Row(odd.into()));
        }
        Ok(Self { position, thing })
    }
}
