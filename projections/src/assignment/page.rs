//! Assignments as workers read them: what changed after a position, in pages of bounded size.

use std::collections::BTreeSet;

use domain::broker::BrokerSettings;
use domain::{Assignment, BrokerId, ListenerId, Position};
use serde::Deserialize;

use crate::database::{FromRow, Row, Statement};
use crate::error::ReadModelError;
use crate::model::{self, CHECKPOINT, ReadModel};

/// The bytes of a page. What is larger by itself has a page of its own.
const PAGE_BYTES: usize = 256 * 1024;

/// The rows that one statement reads.
const MOST_ROWS: i64 = 256;

/// What changed for one listener; without an assignment it is to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentChange {
    pub listener: ListenerId,
    pub assignment: Option<Assignment>,
}

/// Where a reader of assignments is: between two positions, or within the pages of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentCursor {
    after: Option<Position>,
    /// Where the pages lead, known from the first of them on.
    upto: Option<Position>,
    /// What was read last of these pages.
    read: Read,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Read {
    /// The brokers up to that id.
    Broker(String),
    /// All brokers, and the listeners up to that key.
    Listener(String),
}

/// How a broker is reached, and what it took over from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignedBroker {
    pub broker: BrokerId,
    pub settings: BrokerSettings,
    /// The brokers that it replaced, directly or not.
    pub replaces: BTreeSet<BrokerId>,
}

/// A part of what changed. A broker comes before the assignments that refer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentPage {
    /// Where the last of these pages leads.
    pub position: Position,
    pub brokers: Vec<AssignedBroker>,
    pub changes: Vec<AssignmentChange>,
    /// Where the next page begins; none: this is the last.
    pub next: Option<AssignmentCursor>,
}

impl AssignmentCursor {
    /// Everything that is to run, or what changed after a position.
    #[must_use]
    pub fn after(after: Option<Position>) -> Self {
        Self {
            after,
            upto: None,
            read: Read::Broker(String::new()),
        }
    }

    fn brokers(&self) -> Option<Statement> {
        let Read::Broker(id) = &self.read else {
            return None;
        };
        // Newer ones too: an assignment may refer to any that was connected before.
        let after = model::stored_position(self.after.unwrap_or_default());
        Some(
            Statement::new(BROKERS)
                .then(
                    " WHERE id > ?1 AND settings_at > ?2 AND ended_at IS NULL \
                     ORDER BY id LIMIT ?3",
                )
                .bind(id.as_str())
                .bind(after)
                .bind(MOST_ROWS),
        )
    }

    /// In the order of their keys and not of their positions, which may be others in the next
    /// generation of the read tables.
    fn listeners(&self) -> Statement {
        let read = match &self.read {
            Read::Broker(_) => "",
            Read::Listener(key) => key,
        };
        let select = match self.after {
            None => {
                "SELECT listener, body FROM assignments WHERE listener > ?1 AND position > ?2 \
                 AND position <= ?3 AND body IS NOT NULL ORDER BY listener LIMIT ?4"
            }
            Some(_) => {
                "SELECT listener, body FROM assignments WHERE listener > ?1 AND position > ?2 \
                 AND position <= ?3 ORDER BY listener LIMIT ?4"
            }
        };
        let upto = self.upto.map_or(i64::MAX, model::stored_position);
        Statement::new(select)
            .bind(read)
            .bind(model::stored_position(self.after.unwrap_or_default()))
            .bind(upto)
            .bind(MOST_ROWS)
    }

    fn further(&self, upto: Position, read: Read) -> Self {
        Self {
            after: self.after,
            upto: Some(upto),
            read,
        }
    }
}

impl AssignmentPage {
    /// Whether it tells nothing and nothing follows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.brokers.is_empty() && self.changes.is_empty() && self.next.is_none()
    }
}

impl ReadModel {
    /// How the brokers of those ids are reached, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn assigned_brokers(
        &self,
        ids: &[BrokerId],
    ) -> Result<Vec<AssignedBroker>, ReadModelError> {
        let select = Statement::new(BROKERS).then(" WHERE id IN (SELECT value FROM json_each(?1))");
        let rows: Vec<Entry> = self.rows(select.bind(serde_json::to_string(ids)?)).await?;
        rows.iter().map(Entry::broker).collect()
    }

    /// The next page of what is to run, with the brokers that it refers to. From the start only
    /// what is to run; from a position on also what is to stop.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn assignments(
        &self,
        cursor: &AssignmentCursor,
    ) -> Result<AssignmentPage, ReadModelError> {
        let brokers = cursor.brokers();
        let has_brokers = brokers.is_some();
        // At the same moment, so that the checkpoint and the rows belong together.
        let statements = [Some(Statement::new(CHECKPOINT)), brokers];
        let statements = statements.into_iter().flatten().chain([cursor.listeners()]);
        let mut answers = self.answers(statements.collect()).await?;
        let listeners: Vec<Entry> = model::rows(answers.pop().unwrap_or_default())?;
        let brokers: Vec<Entry> = match has_brokers {
            true => model::rows(answers.pop().unwrap_or_default())?,
            false => Vec::new(),
        };
        let reached = model::position_in(answers.pop().unwrap_or_default())?;
        page(cursor, cursor.upto.unwrap_or(reached), brokers, listeners)
    }
}

/// As much of the rows as a page takes.
fn page(
    cursor: &AssignmentCursor,
    position: Position,
    brokers: Vec<Entry>,
    listeners: Vec<Entry>,
) -> Result<AssignmentPage, ReadModelError> {
    let mut room = PAGE_BYTES;
    let (brokers, more_brokers) = cut(brokers, &mut room);
    let (listeners, more_listeners) = match more_brokers {
        true => (Vec::new(), true),
        false => cut(listeners, &mut room),
    };
    let last = |entries: &[Entry]| entries.last().map(|entry| entry.key.clone());
    let read = match (more_brokers, last(&listeners)) {
        (true, _) => last(&brokers).map(Read::Broker),
        (false, key) => Some(Read::Listener(key.unwrap_or_default())),
    };
    let next = read.filter(|_| more_brokers || more_listeners);
    Ok(AssignmentPage {
        position,
        brokers: brokers
            .iter()
            .map(Entry::broker)
            .collect::<Result<_, _>>()?,
        changes: listeners
            .iter()
            .map(Entry::change)
            .collect::<Result<_, _>>()?,
        next: next.map(|read| cursor.further(position, read)),
    })
}

/// The first entries that `room` is left for, at least one where nothing was taken before, and
/// whether there are or may be more.
fn cut(mut entries: Vec<Entry>, room: &mut usize) -> (Vec<Entry>, bool) {
    let read_all = entries.len() < MOST_ROWS as usize;
    let mut taken = 0;
    for entry in &entries {
        let bytes = entry.bytes();
        let is_first = taken == 0 && *room == PAGE_BYTES;
        if bytes > *room && !is_first {
            break;
        }
        *room = room.saturating_sub(bytes);
        taken += 1;
    }
    let whole = taken == entries.len();
    entries.truncate(taken);
    (entries, !(whole && read_all))
}

/// Brokers with what is told of them.
const BROKERS: &str = "SELECT id, '{\"settings\":' || settings || ',\"replaces\":' || replaces || '}' \
                       FROM brokers";

/// What is told of a broker.
#[derive(Deserialize)]
struct Reached {
    settings: BrokerSettings,
    replaces: BTreeSet<BrokerId>,
}

/// A row with its key, and what it holds as JSON.
struct Entry {
    key: String,
    body: Option<String>,
}

impl Entry {
    /// With what surrounds it in an answer.
    fn bytes(&self) -> usize {
        let body = self.body.as_ref().map_or(0, String::len);
        2 * self.key.len() + body + 64
    }

    fn broker(&self) -> Result<AssignedBroker, ReadModelError> {
        let id = self.key.parse();
        let id = id.map_err(|error| ReadModelError::Row(Box::new(error)))?;
        let reached: Reached = serde_json::from_str(self.body.as_deref().unwrap_or_default())?;
        Ok(AssignedBroker {
            broker: BrokerId(id),
            settings: reached.settings,
            replaces: reached.replaces,
        })
    }

    fn change(&self) -> Result<AssignmentChange, ReadModelError> {
        Ok(AssignmentChange {
            listener: self.key.parse()?,
            assignment: self.body.as_deref().map(serde_json::from_str).transpose()?,
        })
    }
}

impl FromRow for Entry {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            key: row.take()?,
            body: row.take()?,
        })
    }
}
