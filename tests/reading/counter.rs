//! Counts the statements that this process sends to its databases.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use tokio::sync::{Mutex, MutexGuard};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// What the read models tell of each statement.
const TARGET: &str = "projections::query";

/// Statements so far, and whose turn it is to count them.
static COUNTER: LazyLock<(StatementCounter, Mutex<()>)> = LazyLock::new(|| {
    let counter = StatementCounter::default();
    tracing_subscriber::registry().with(counter.clone()).init();
    (counter, Mutex::default())
});

#[derive(Clone, Debug, Default)]
struct StatementCounter(Arc<AtomicUsize>);

/// The only test of the process that sends statements.
pub(crate) struct Alone(MutexGuard<'static, ()>);

impl Alone {
    pub(crate) async fn in_process() -> Self {
        Self(COUNTER.1.lock().await)
    }

    /// Statements so far.
    pub(crate) fn statements(&self) -> usize {
        let _held = &self.0;
        COUNTER.0.0.load(Ordering::SeqCst)
    }
}

impl<S: Subscriber> Layer<S> for StatementCounter {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == TARGET {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}
