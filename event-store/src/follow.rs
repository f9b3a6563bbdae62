//! The follower that the backends share: page by page to the head, then on from there as it moves.

use std::future::pending;
use std::time::Duration;
use std::vec;

use domain::codec;
use domain::{Envelope, Event, Position};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::error::FollowError;
use crate::port::{Follow, ReadError};

/// Events read at once.
pub(crate) const PAGE: usize = 512;

/// How long an append of another process may stay unseen: nobody in this one tells of it.
const POLL: Duration = Duration::from_millis(250);

const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// Reads up to so many events after a position, in order.
pub(crate) type ReadPage = Box<
    dyn Fn(Position, usize) -> BoxFuture<'static, Result<Vec<Envelope>, ReadError>> + Send + Sync,
>;

/// Follows what `read_page` reads from after `after`, woken by `head`.
pub(crate) fn follow(
    read_page: ReadPage,
    head: watch::Receiver<Position>,
    after: Position,
) -> Follow {
    let follower = Follower {
        read_page,
        head,
        last: after,
        page: Vec::new().into_iter(),
        next: Next::Read,
    };
    stream::unfold(follower, |mut follower| async move {
        follower.next().await.map(|item| (item, follower))
    })
    .boxed()
}

/// The event in an envelope, for a reader that stops at what it does not know.
///
/// # Errors
/// Its type or its schema version is unknown, or its payload is not one of that type.
pub fn decode(envelope: &Envelope) -> Result<Event, FollowError> {
    codec::decode(envelope).map_err(|source| FollowError::Decode {
        position: envelope.position,
        source,
    })
}

struct Follower {
    read_page: ReadPage,
    head: watch::Receiver<Position>,
    /// The last position given out.
    last: Position,
    /// What was read and not given out yet.
    page: vec::IntoIter<Envelope>,
    next: Next,
}

/// What a follower does once it has given out its page.
enum Next {
    Read,
    /// The last page was not full: there is nothing more until the head moves.
    WaitForHead,
    /// The last read failed.
    BackOff(Duration),
    /// The log is damaged.
    End,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<Envelope, ReadError>> {
        loop {
            if let Some(envelope) = self.page.next() {
                return Some(self.give_out(envelope));
            }
            match self.next {
                Next::Read => {}
                Next::WaitForHead => self.wait_for_head().await,
                Next::BackOff(pause) => sleep(pause).await,
                Next::End => return None,
            }
            if let Err(damage) = self.read().await {
                return Some(Err(self.end(damage)));
            }
        }
    }

    /// Passes `envelope` on where it is the next one: positions have no gaps, so a hole is damage.
    fn give_out(&mut self, envelope: Envelope) -> Result<Envelope, ReadError> {
        let due = Position(self.last.0 + 1);
        if envelope.position != due {
            return Err(self.end(ReadError::Damaged {
                position: due,
                problem: format!("the next event stands at {}", envelope.position),
            }));
        }
        self.last = due;
        Ok(envelope)
    }

    fn end(&mut self, damage: ReadError) -> ReadError {
        self.page = Vec::new().into_iter();
        self.next = Next::End;
        damage
    }

    async fn wait_for_head(&mut self) {
        let last = self.last;
        let moved = async {
            if self.head.wait_for(|head| *head > last).await.is_err() {
                // The writer of this process has ended; another one may still append.
                pending::<()>().await;
            }
        };
        // Either way the next read tells.
        let _ = timeout(POLL, moved).await;
    }

    /// Reads a page; fails on damage only and backs off from everything else.
    async fn read(&mut self) -> Result<(), ReadError> {
        match (self.read_page)(self.last, PAGE).await {
            Ok(page) => {
                if matches!(self.next, Next::BackOff(_)) {
                    tracing::info!(position = self.last.0, "the event log can be read again");
                }
                self.next = if page.len() < PAGE {
                    Next::WaitForHead
                } else {
                    Next::Read
                };
                self.page = page.into_iter();
            }
            Err(ReadError::Unavailable(error)) => {
                self.next = Next::BackOff(match self.next {
                    Next::BackOff(pause) => LONGEST_BACKOFF.min(pause * 2),
                    _ => {
                        let error: &(dyn std::error::Error + 'static) = &*error;
                        tracing::warn!(
                            position = self.last.0,
                            error,
                            "a follower cannot read the event log and waits for it"
                        );
                        FIRST_BACKOFF
                    }
                });
            }
            Err(damage) => return Err(damage),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
