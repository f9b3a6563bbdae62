//! The log from a position on, page by page, read ahead on several threads.

use std::collections::VecDeque;
use std::sync::Arc;

use domain::Position;
use tokio_util::task::AbortOnDropHandle;

use crate::port::{EventStore, ReadError};
use crate::stored::StoredEvent;

/// Events read at once.
const PAGE: u64 = 1024;

/// Pages read before they are asked for.
const AHEAD: usize = 3;

/// Stored events after a position, up to another one or to what was the log's end at the start.
pub struct StoredPages {
    store: Arc<dyn EventStore>,
    /// The last position that was given out.
    last: u64,
    /// The last position that was asked for.
    asked: u64,
    until: u64,
    ahead: VecDeque<AbortOnDropHandle<Result<Vec<StoredEvent>, ReadError>>>,
    /// What the last page ended with.
    damage: Option<ReadError>,
}

/// Reads the events of `store` after `after`, and up to `until` where it is given.
///
/// # Errors
/// The log cannot be read.
pub async fn stored_events(
    store: Arc<dyn EventStore>,
    after: Position,
    until: Option<Position>,
) -> Result<StoredPages, ReadError> {
    let until = match (store.head().await, until) {
        (Ok(head), until) => until.map_or(head, |until| until.min(head)),
        // A log that contradicts itself about its end is still read as far as it goes.
        (Err(ReadError::Damaged { .. }), Some(until)) => until,
        (Err(error), _) => return Err(error),
    };
    Ok(StoredPages {
        store,
        last: after.0,
        asked: after.0,
        until: until.0,
        ahead: VecDeque::new(),
        damage: None,
    })
}

impl StoredPages {
    /// The next events, none at the end. What stands before damage is given out before it.
    ///
    /// # Errors
    /// The log cannot be read, or is damaged: a hole in its positions is damage.
    pub async fn next(&mut self) -> Result<Vec<StoredEvent>, ReadError> {
        if let Some(damage) = self.damage.take() {
            return Err(damage);
        }
        self.read_ahead();
        let Some(page) = self.ahead.pop_front() else {
            return Ok(Vec::new());
        };
        let (wanted, due) = (PAGE.min(self.until - self.last), Position(self.last + 1));
        let page = page
            .await
            .map_err(|error| ReadError::Unavailable(Box::new(error)))?;
        let page = page.map_err(|error| hole_before(due, error))?;
        let page = self.consecutive(page, wanted).await;
        match self.damage.take() {
            Some(damage) if page.is_empty() => Err(damage),
            damage => {
                self.damage = damage;
                Ok(page)
            }
        }
    }

    fn read_ahead(&mut self) {
        while self.ahead.len() < AHEAD && self.asked < self.until {
            let (store, after) = (Arc::clone(&self.store), Position(self.asked));
            let limit = PAGE.min(self.until - self.asked);
            self.asked += limit;
            let limit = usize::try_from(limit).expect("a page's size is small");
            self.ahead
                .push_back(AbortOnDropHandle::new(tokio::spawn(async move {
                    store.read_stored(after, limit).await
                })));
        }
    }

    /// The part of `page` that continues the log, and, where that is not `wanted` events long,
    /// the damage that it ends with.
    async fn consecutive(&mut self, mut page: Vec<StoredEvent>, wanted: u64) -> Vec<StoredEvent> {
        let due = (self.last + 1..).zip(&page);
        let good = due.take_while(|(due, event)| event.position.0 == *due);
        let good = good.count();
        self.last += good as u64;
        if (good as u64) < wanted {
            let position = Position(self.last + 1);
            self.ahead.clear();
            self.until = self.last;
            self.asked = self.last;
            self.damage = Some(match page.get(good) {
                Some(event) => ReadError::Damaged {
                    position,
                    problem: format!("the next event stands at {}", event.position),
                },
                None => self.damage_at(position).await,
            });
        }
        page.truncate(good);
        page
    }

    /// Why the event at `position` was not read.
    async fn damage_at(&self, position: Position) -> ReadError {
        match self.store.read_stored(Position(position.0 - 1), 1).await {
            Err(error) => hole_before(position, error),
            Ok(_) => ReadError::Damaged {
                position,
                problem: "the event was not there when it was read".to_owned(),
            },
        }
    }
}

/// `error`, or where it is of an event that stands after the one that is due, the hole before it.
pub(crate) fn hole_before(due: Position, error: ReadError) -> ReadError {
    match error {
        ReadError::Damaged { position, .. } if position > due => ReadError::Damaged {
            position: due,
            problem: format!("the next event stands at {position}"),
        },
        error => error,
    }
}
