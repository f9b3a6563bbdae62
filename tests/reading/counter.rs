//! Counts the statements that this process sends to its databases.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// What the read models tell of each statement.
const TARGET: &str = "projections::query";

/// Statements so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct StatementCounter(Arc<AtomicUsize>);

impl StatementCounter {
    /// Counts from now on, for the whole process.
    pub(crate) fn install() -> Self {
        let counter = Self::default();
        tracing_subscriber::registry().with(counter.clone()).init();
        counter
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl<S: Subscriber> Layer<S> for StatementCounter {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == TARGET {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}
