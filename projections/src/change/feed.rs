//! Reading the change feed: once per process from the database, and from memory for everybody who
//! follows it.

use std::collections::VecDeque;
use std::sync::Arc;

use domain::{Position, Thing};
use tokio::sync::Mutex;

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
#[derive(Debug, Default)]
pub(crate) struct Feed(Mutex<Option<Held>>);

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
    /// However many follow the changes, the database is asked once for each of them. Only who
    /// resumes further behind than is held in memory has it asked again.
    ///
    /// # Errors
    /// The changes after `after` are no longer kept, or the database cannot answer.
    pub async fn changes(&self, after: Position) -> Result<Changes, ChangesError> {
        let shown = self.position();
        let behind = shown.0.saturating_sub(after.0);
        if behind > POSITIONS_KEPT {
            return Err(ChangesError::TooOld { after, behind });
        }
        {
            let mut feed = self.feed().0.lock().await;
            let held = feed.get_or_insert_with(|| Held::from(shown));
            while held.reached < shown {
                let read = self.read_changes(held.reached).await?;
                held.take(read);
            }
            if after >= held.after {
                return Ok(held.after(after));
            }
        }
        Ok(self.read_changes(after).await?)
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

impl Held {
    fn from(position: Position) -> Self {
        Self {
            after: position,
            reached: position,
            changes: VecDeque::new(),
            bytes: 0,
        }
    }

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

    fn after(&self, after: Position) -> Changes {
        let first = self.changes.partition_point(|c| c.position <= after);
        let changes: Vec<_> = self.changes.range(first..).take(AT_ONCE).cloned().collect();
        let reached = if changes.len() < AT_ONCE {
            self.reached.max(after)
        } else {
            changes.last().map_or(after, |last| last.position)
        };
        Changes { reached, changes }
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
