//! What a consumer shows of itself: what its source says, and what blocks it.

use brokers::{SourceState, SourceStatus};
use domain::consumer::ConsumerState;
use tokio::sync::watch;

use crate::journal::Observed;

/// What was last shown.
pub(super) struct Shown {
    source: watch::Receiver<SourceStatus>,
    /// Why the consumer was blocked.
    blocked: Option<String>,
    /// Whether the source has said nothing else since.
    is_current: bool,
}

impl Shown {
    /// Nothing was shown yet.
    pub(super) fn new(source: watch::Receiver<SourceStatus>) -> Self {
        Self {
            source,
            blocked: None,
            is_current: false,
        }
    }

    /// Waits until the source says something else.
    pub(super) async fn changed(&mut self) {
        if self.source.changed().await.is_err() {
            // Its thread has ended, and `recv` says why.
            std::future::pending().await
        }
        self.is_current = false;
    }

    /// What is to be shown, if it is news, while `blocked` says why the consumer holds its position.
    pub(super) fn news(&mut self, blocked: Option<&str>) -> Option<Observed> {
        if self.is_current && self.blocked.as_deref() == blocked {
            return None;
        }
        self.is_current = true;
        self.blocked = blocked.map(str::to_owned);
        let source = self.source.borrow_and_update().clone();
        Some(observed(source, self.blocked.clone()))
    }

    /// Whether the source has its partitions.
    pub(super) fn is_assigned(&self) -> bool {
        matches!(
            self.source.borrow().state,
            SourceState::Assigned { .. } | SourceState::TransactionOpen { .. }
        )
    }
}

/// A broker that is away, or a topic that is not there, is said first: what blocks may be older.
fn observed(source: SourceStatus, blocked: Option<String>) -> Observed {
    let partitions = match source.state {
        SourceState::Assigned { partitions } | SourceState::TransactionOpen { partitions, .. } => {
            partitions
        }
        SourceState::Joining | SourceState::Unreachable(_) | SourceState::TopicMissing => 0,
    };
    let (state, reason) = match (source.state, blocked) {
        (SourceState::Unreachable(reason), _) => (ConsumerState::Unreachable, Some(reason)),
        (SourceState::TopicMissing, _) => (ConsumerState::TopicMissing, None),
        (_, Some(reason)) => (ConsumerState::Blocked, Some(reason)),
        (SourceState::Joining, None) => (ConsumerState::Joining, None),
        (SourceState::Assigned { .. }, None) => (ConsumerState::Assigned, None),
        (SourceState::TransactionOpen { messages, .. }, None) => {
            let reason = format!("up to {messages} messages wait for its end");
            (ConsumerState::TransactionOpen, Some(reason))
        }
    };
    Observed {
        state,
        reason,
        partitions,
        lag: source.lag,
    }
}
