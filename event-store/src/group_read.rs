//! Group reads: one reader takes the streams that are asked for, and reads them in one query.
//!
//! Every command folds a stream or a few, most of them short. One after the other they would cost
//! a round trip to the database each, which is more than the rows do.

use std::sync::Arc;

use domain::{Envelope, Revision, StreamName};
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::port::ReadError;

/// Streams that may wait for the reader; further callers wait to get in line.
const QUEUE: usize = 1024;

/// Streams read together at most.
const MAX_BATCH: usize = 128;

/// Events of each stream that are read together. The rest of a longer one is read by itself: what
/// is in memory for a batch is bounded by both.
pub(crate) const SHORT: usize = 16;

/// A stream, and the revision to read it from.
pub(crate) struct Asked {
    pub(crate) stream: StreamName,
    pub(crate) from: Revision,
}

/// What each stream of a batch has, in the batch's order: up to [`SHORT`] events of it, in order.
pub(crate) type Pages = Vec<Result<Vec<Envelope>, ReadError>>;

/// Adds an event to the page of stream `number`; one that cannot be read takes the page's place.
pub(crate) fn add(pages: &mut Pages, number: usize, event: Result<Envelope, ReadError>) {
    if let Some(page) = pages.get_mut(number)
        && let Ok(events) = page
    {
        match event {
            Ok(event) => events.push(event),
            Err(damage) => *page = Err(damage),
        }
    }
}

/// Reads the streams of a batch.
pub(crate) type ReadTogether =
    Box<dyn Fn(Vec<Asked>) -> BoxFuture<'static, Result<Pages, sqlx::Error>> + Send + Sync>;

/// The line of streams before a log's reader.
pub(crate) struct Streams(mpsc::Sender<Request>);

/// A stream in line, and where its events go.
struct Request {
    asked: Asked,
    answer: oneshot::Sender<Result<Vec<Envelope>, ReadError>>,
}

impl Streams {
    /// Starts a reader that reads by `read_together`. It ends with this value.
    pub(crate) fn start(read_together: ReadTogether) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE);
        tokio::spawn(run(read_together, requests));
        Self(queue)
    }

    /// Up to `limit` events of `stream` from revision `from` on, in order, and not more than
    /// [`SHORT`]: see [`beyond`].
    pub(crate) async fn read(
        &self,
        stream: &StreamName,
        from: Revision,
        limit: usize,
    ) -> Result<Vec<Envelope>, ReadError> {
        let (answer, page) = oneshot::channel();
        let asked = Asked {
            stream: stream.clone(),
            from,
        };
        self.0
            .send(Request { asked, answer })
            .await
            .map_err(|_| reader_ended())?;
        let mut events = page.await.map_err(|_| reader_ended())??;
        events.truncate(limit);
        Ok(events)
    }
}

/// Where a stream goes on after the `events` that were read of it together with others, and how
/// many are still wanted of it, unless it ended or there are enough of them.
pub(crate) fn beyond(events: &[Envelope], limit: usize) -> Option<(Revision, usize)> {
    let last = events.last().filter(|_| events.len() == SHORT)?;
    (limit > SHORT).then(|| (Revision(last.revision.0 + 1), limit - SHORT))
}

async fn run(read_together: ReadTogether, mut queue: mpsc::Receiver<Request>) {
    let mut requests = Vec::with_capacity(MAX_BATCH);
    while queue.recv_many(&mut requests, MAX_BATCH).await > 0 {
        let (asked, mut answers): (Vec<_>, Vec<_>) = requests
            .drain(..)
            .map(|request| (request.asked, request.answer))
            .unzip();
        match read_together(asked).await {
            Ok(pages) => {
                for (answer, page) in answers.into_iter().zip(pages) {
                    // A caller that has stopped waiting needs no answer.
                    let _ = answer.send(page);
                }
            }
            Err(error) => {
                // Callers that came meanwhile would wait as long again, for the same.
                while let Ok(request) = queue.try_recv() {
                    answers.push(request.answer);
                }
                let error = Arc::new(error);
                for answer in answers {
                    let _ = answer.send(Err(ReadError::Unavailable(Box::new(Arc::clone(&error)))));
                }
            }
        }
    }
}

/// The reader runs as long as its line, unless it panicked.
fn reader_ended() -> ReadError {
    ReadError::Unavailable("the log's reader has ended".into())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn whoever_waits_behind_a_failed_read_shares_the_failure_and_the_next_is_read() {
        let (reads, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let streams = Streams::start({
            let (reads, gate) = (Arc::clone(&reads), Arc::clone(&gate));
            Box::new(move |asked| {
                let (reads, gate) = (Arc::clone(&reads), Arc::clone(&gate));
                Box::pin(async move {
                    let read = reads.fetch_add(1, Ordering::Relaxed);
                    gate.acquire().await.unwrap().forget();
                    match read {
                        0 => Err(sqlx::Error::PoolTimedOut),
                        _ => Ok(asked.iter().map(|_| Ok(Vec::new())).collect()),
                    }
                })
            })
        });
        let name = StreamName("a-1".to_owned());
        let read = || streams.read(&name, Revision(0), 1);
        let meanwhile = async {
            while reads.load(Ordering::Relaxed) == 0 {
                tokio::task::yield_now().await;
            }
            let behind = join_all((0..50).map(|_| read()));
            tokio::join!(behind, async { gate.add_permits(2) }).0
        };
        let (first, behind) = tokio::join!(read(), meanwhile);
        for answer in behind.into_iter().chain([first]) {
            assert!(answer.is_err(), "{answer:?}");
        }
        assert_eq!(reads.load(Ordering::Relaxed), 1);
        assert_eq!(read().await.unwrap(), []);
    }
}
