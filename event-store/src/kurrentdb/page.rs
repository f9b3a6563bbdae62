//! One read of the log's stream: consecutive events, whole or not at all.

use std::time::Duration;

use domain::Position;
use kurrentdb::{ReadEvent, ReadStreamOptions, ResolvedEvent, StreamPosition};
use tokio::time::timeout;

use super::failure::Failure;
use super::link::Link;
use super::record::{Record, position};

/// Far more than a page takes; only a server that went silent takes longer.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Consecutive events, and the log's last position when they were read.
pub(super) struct Page {
    pub(super) events: Vec<ResolvedEvent>,
    pub(super) head: Position,
}

impl Page {
    /// Reads up to `limit` events of `stream` after `after`.
    pub(super) async fn read(
        link: &Link,
        stream: &str,
        after: Position,
        limit: usize,
    ) -> Result<Self, Failure> {
        let empty = Page {
            events: Vec::new(),
            head: Position(0),
        };
        // Revisions are signed in the database.
        if limit == 0 || i64::try_from(after.0).is_err() {
            return Ok(empty);
        }
        let linked = link.client()?;
        let options = ReadStreamOptions::default()
            .position(StreamPosition::Position(after.0))
            .max_count(limit)
            .requires_leader(true);
        let reading = async {
            let mut page = empty;
            let mut answer = linked.client.read_stream(stream, &options).await?;
            let mut whole = false;
            while let Some(part) = answer.next_read_event().await? {
                match part {
                    ReadEvent::Event(event) => page.events.push(event),
                    ReadEvent::LastStreamPosition(last) => {
                        page.head = Position(last + 1);
                        whole = true;
                    }
                    ReadEvent::FirstStreamPosition(_) | ReadEvent::LastAllStreamPosition(_) => {}
                }
            }
            // The end of an answer is not the end of the stream, unless it says so.
            if whole { Ok(page) } else { Err(Failure::Cut) }
        };
        let read = match timeout(READ_TIMEOUT, reading).await {
            Err(_) => Err(Failure::Silent(READ_TIMEOUT)),
            Ok(Err(Failure::Database(kurrentdb::Error::ResourceNotFound))) => Ok(Page {
                events: Vec::new(),
                head: Position(0),
            }),
            Ok(read) => read,
        };
        if read.is_err() {
            link.give_up(&linked);
        }
        read.and_then(|page| consecutive(page, after, limit))
    }

    /// The events of ours that it holds.
    pub(super) fn records(&self) -> Result<Vec<Record>, Failure> {
        self.events.iter().map(Record::decode).collect()
    }
}

/// `page`, where its events follow `after` without a gap and end with the limit or the log.
fn consecutive(page: Page, after: Position, limit: usize) -> Result<Page, Failure> {
    let mut due = after;
    for event in &page.events {
        due = Position(due.0 + 1);
        let found = position(event.get_original_event());
        if found != due {
            return Err(Failure::Damaged {
                position: due,
                problem: format!("the next event stands at {found}"),
            });
        }
    }
    if page.events.len() < limit && due < page.head {
        return Err(Failure::Damaged {
            position: Position(due.0 + 1),
            problem: "the event is gone".to_owned(),
        });
    }
    Ok(page)
}
