//! The feed: a subscription that brings the events to the index, on a thread of its own.
//!
//! When the server ends a subscription without an error, the client does not return: it asks its
//! ended stream for ever, on a whole core, and no timeout around it fires. It complains about each
//! turn in a trace event, which this thread listens to and ends the subscription by unwinding out
//! of it. Nothing else could: a thread that does not yield cannot be stopped from outside.

use std::error::Error;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use domain::Position;
use kurrentdb::{StreamPosition, SubscribeToStreamOptions, SubscriptionEvent};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::failure::Failure;
use super::link::Link;
use super::log::Log;

const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// Where the client complains.
const COMPLAINER: &str = "kurrentdb::commands";

/// The thread's name, at most 15 bytes.
pub(super) const THREAD: &str = "event-log-feed";

/// A running feed, stopped when dropped.
pub(super) struct Feed {
    _stop: DropGuard,
}

/// What unwinds out of an ended subscription.
struct Ended;

impl Feed {
    /// Feeds `log` from over `link`.
    pub(super) fn start(link: Link, log: Arc<Log>) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || run(&link, &log, &stopped))?;
        Ok(Self {
            _stop: stop.drop_guard(),
        })
    }
}

/// Subscribes until `stop`, again and again, with pauses that grow as long as nothing comes.
fn run(link: &Link, log: &Log, stop: &CancellationToken) {
    let mut pause = FIRST_BACKOFF;
    while !stop.is_cancelled() {
        let from = log.feed_from();
        match runtime().and_then(|runtime| follow(&runtime, link, log, from, stop)) {
            Ok(()) => return,
            Err(failure) => {
                let error: &(dyn Error + 'static) = &failure;
                tracing::warn!(
                    error,
                    "the feed of the event log has ended and is opened again"
                );
            }
        }
        log.set_live(false);
        pause = if log.index().last() > from {
            FIRST_BACKOFF
        } else {
            LONGEST_BACKOFF.min(pause * 2)
        };
        match runtime() {
            Ok(runtime) => {
                let _ = runtime.block_on(async { timeout(pause, stop.cancelled()).await });
            }
            Err(_) => thread::sleep(pause),
        }
    }
}

/// One for each subscription, since one may be unwound out of.
fn runtime() -> Result<Runtime, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::Client(error.to_string()))
}

/// Feeds `log` from after `from` until `stop`, or the end of the subscription.
fn follow(
    runtime: &Runtime,
    link: &Link,
    log: &Log,
    from: Position,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let following = || {
        runtime.block_on(async {
            let subscribed = subscribe(link, log, from);
            tokio::select! {
                () = stop.cancelled() => Ok(()),
                () = log.feed_is_stuck() => Err(Failure::Cut),
                ended = subscribed => ended,
            }
        })
    };
    let followed =
        tracing::subscriber::with_default(Listener, || catch_unwind(AssertUnwindSafe(following)));
    match followed {
        Ok(ended) => ended,
        Err(unwound) if unwound.is::<Ended>() => Err(Failure::Cut),
        Err(panic) => resume_unwind(panic),
    }
}

/// Feeds `log` until the subscription fails. Its calls are never given up but with all of it:
/// a call that is dropped loses the subscription.
async fn subscribe(link: &Link, log: &Log, from: Position) -> Result<(), Failure> {
    let linked = link.client()?;
    let options = SubscribeToStreamOptions::default()
        .start_from(match from {
            Position(0) => StreamPosition::Start,
            Position(last) => StreamPosition::Position(last - 1),
        })
        .requires_leader(true);
    let stream = log.stream_name();
    let mut subscription = linked.client.subscribe_to_stream(stream, &options).await;
    loop {
        match subscription.next_subscription_event().await {
            Ok(SubscriptionEvent::EventAppeared(event)) => log.feed(&event)?,
            Ok(SubscriptionEvent::CaughtUp(_)) => log.set_live(true),
            Ok(SubscriptionEvent::FellBehind(_)) => log.set_live(false),
            Ok(_) => {}
            Err(error) => {
                link.give_up(&linked);
                return Err(error.into());
            }
        }
    }
}

/// Hears the client complain, and nothing else.
struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() == Level::WARN && metadata.target() == COMPLAINER
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::WARN)
    }

    fn event(&self, _: &Event<'_>) {
        resume_unwind(Box::new(Ended));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
