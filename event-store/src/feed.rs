//! The newest events, read once per process for everybody who follows the log.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use std::{fmt, vec};

use domain::{Envelope, Position};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::port::{EventStore, Follow, ReadError};

/// Events that are held in memory at most.
const MOST_HELD: usize = 4096;

/// What the held events may take in memory, about.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Events that a subscriber takes at once.
const AT_ONCE: usize = 256;

/// How long the reader waits before it asks again where the log ends.
const PAUSE: Duration = Duration::from_secs(1);

/// The events of a log for many subscribers. However many there are, the log has one follower;
/// only a subscriber that is further behind than is held in memory has one of its own until it has
/// caught up. Cheap to clone.
#[derive(Clone)]
pub struct EventFeed {
    store: Arc<dyn EventStore>,
    /// There while anybody subscribes.
    reader: Arc<Mutex<Weak<Reader>>>,
}

/// Events from a position on, as [`Follow`] brings them.
pub type Events = BoxStream<'static, Result<Arc<Envelope>, ReadError>>;

/// What the follower of the log has read.
struct Reader {
    held: Mutex<Held>,
    /// What is held; nothing before the reader knows where the log ends.
    span: watch::Receiver<Option<Span>>,
    /// Ends the follower.
    _stop: DropGuard,
}

/// The events after `after`, up to `reached`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    after: Position,
    reached: Position,
}

/// The events of a span, as many as memory allows.
struct Held {
    span: Span,
    events: VecDeque<Arc<Envelope>>,
    bytes: usize,
}

impl fmt::Debug for EventFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventFeed").finish_non_exhaustive()
    }
}

impl EventFeed {
    /// A feed of what `store` holds. Nothing is read before somebody subscribes.
    #[must_use]
    pub fn new(store: Arc<dyn EventStore>) -> Self {
        Self {
            store,
            reader: Arc::default(),
        }
    }

    /// The events after `after`: those there are, then those to come, in order, without gap or
    /// duplicate. A slow subscriber holds a position, not a queue.
    #[must_use]
    pub fn subscribe(&self, after: Position) -> Events {
        let reader = self.reader();
        let subscriber = Subscriber {
            store: Arc::clone(&self.store),
            span: reader.span.clone(),
            reader,
            last: after,
            page: Vec::new().into_iter(),
            own: None,
        };
        stream::unfold(subscriber, |mut subscriber| async move {
            let item = subscriber.next().await?;
            Some((item, subscriber))
        })
        .boxed()
    }

    /// The reader of those who subscribe now, or a new one.
    fn reader(&self) -> Arc<Reader> {
        let mut known = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reader) = known.upgrade() {
            return reader;
        }
        let (sender, span) = watch::channel(None);
        let stop = CancellationToken::new();
        let reader = Arc::new(Reader {
            held: Mutex::new(Held::after(Position(0))),
            span,
            _stop: stop.clone().drop_guard(),
        });
        *known = Arc::downgrade(&reader);
        let read = read(Arc::clone(&self.store), Arc::downgrade(&reader), sender);
        tokio::spawn(stop.run_until_cancelled_owned(read));
        reader
    }
}

/// Reads what is appended from now on, until nobody subscribes or the log is damaged. Subscribers
/// then find the damage by themselves.
async fn read(store: Arc<dyn EventStore>, reader: Weak<Reader>, span: watch::Sender<Option<Span>>) {
    let head = end(store.as_ref()).await;
    let hold = |change: &mut dyn FnMut(&mut Held)| {
        let reader = reader.upgrade()?;
        let mut held = reader.held();
        change(&mut held);
        span.send_replace(Some(held.span));
        Some(())
    };
    let mut events = store.follow(head).ready_chunks(AT_ONCE);
    let mut held = hold(&mut |held| *held = Held::after(head));
    while held.is_some()
        && let Some(chunk) = events.next().await
    {
        let mut chunk = chunk.into_iter();
        held = hold(&mut |held| {
            chunk
                .by_ref()
                .map_while(Result::ok)
                .for_each(|e| held.take(e))
        });
    }
    // Nothing is held from here on: subscribers that wait follow the log themselves.
    span.send_replace(None);
}

/// The position at which the log ends, once it can be read.
async fn end(store: &dyn EventStore) -> Position {
    loop {
        match store.head().await {
            Ok(head) => return head,
            Err(error) => {
                let error: &(dyn std::error::Error + Send + Sync) = &error;
                tracing::warn!(
                    error = error as &dyn std::error::Error,
                    "the end of the event log cannot be read"
                );
                sleep(PAUSE).await;
            }
        }
    }
}

impl Reader {
    fn held(&self) -> MutexGuard<'_, Held> {
        // A panic leaves it whole: no single statement changes it in part.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Span {
    fn covers(self, position: Position) -> bool {
        self.after <= position && position <= self.reached
    }
}

impl Held {
    fn after(position: Position) -> Self {
        Self {
            span: Span {
                after: position,
                reached: position,
            },
            events: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Takes in the next event, and drops the oldest ones beyond the bounds.
    fn take(&mut self, event: Envelope) {
        self.span.reached = event.position;
        self.bytes += bytes(&event);
        self.events.push_back(Arc::new(event));
        while self.events.len() > MOST_HELD || self.bytes > MOST_BYTES {
            let Some(oldest) = self.events.pop_front() else {
                return;
            };
            self.bytes -= bytes(&oldest);
            self.span.after = oldest.position;
        }
    }

    /// Some events after `after`; none where they are not held.
    fn some_after(&self, after: Position) -> Option<Vec<Arc<Envelope>>> {
        if !self.span.covers(after) {
            return None;
        }
        let first = self.events.partition_point(|event| event.position <= after);
        Some(self.events.range(first..).take(AT_ONCE).cloned().collect())
    }
}

/// About what an event takes in memory.
fn bytes(event: &Envelope) -> usize {
    512 + event.payload.len()
}

/// A subscriber, and how far it has read.
struct Subscriber {
    store: Arc<dyn EventStore>,
    reader: Arc<Reader>,
    span: watch::Receiver<Option<Span>>,
    /// The last position given out.
    last: Position,
    /// What was taken from the reader and not given out yet.
    page: vec::IntoIter<Arc<Envelope>>,
    /// A follower of its own, until what it needs is held.
    own: Option<Follow>,
}

impl Subscriber {
    async fn next(&mut self) -> Option<Result<Arc<Envelope>, ReadError>> {
        loop {
            if let Some(event) = self.page.next() {
                self.last = event.position;
                return Some(Ok(event));
            }
            let Some(own) = &mut self.own else {
                self.take().await;
                continue;
            };
            let last = self.last;
            let is_held = |span: &Option<Span>| span.is_some_and(|span| span.covers(last));
            tokio::select! {
                biased;
                Ok(_) = self.span.wait_for(is_held) => self.own = None,
                event = own.next() => {
                    let event = event?.map(Arc::new);
                    if let Ok(event) = &event {
                        self.last = event.position;
                    }
                    return Some(event);
                }
            }
        }
    }

    /// Takes what the reader holds, waits for more of it, or follows the log itself.
    async fn take(&mut self) {
        let known = self.span.wait_for(Option::is_some).await.is_ok();
        // Marked as seen before the events are taken: one that comes in between wakes us again.
        self.span.mark_unchanged();
        let held = self.reader.held().some_after(self.last);
        match held {
            Some(events) if known && !events.is_empty() => self.page = events.into_iter(),
            Some(_) if known && self.span.changed().await.is_ok() => {}
            _ => self.own = Some(self.store.follow(self.last)),
        }
    }
}

#[cfg(test)]
mod tests;
