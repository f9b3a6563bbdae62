//! What a change would end.

use async_graphql::{Object, Result};
use domain::{ListenerId, PublisherId};
use projections::ending::{Ended, Ending};

use crate::listener::Listener;
use crate::publisher::Publisher;
use crate::view::View;

pub struct EndPreview(Ended, View);

/// What a change would end. Messages stay where they are, and so do positions on brokers.
#[Object]
impl EndPreview {
    /// How many grants of topics and patterns would be revoked.
    async fn grants(&self) -> u64 {
        self.0.grants
    }

    /// How many listeners would be disabled.
    async fn listeners(&self) -> u64 {
        self.0.listeners
    }

    /// How many publishers would be disabled.
    async fn publishers(&self) -> u64 {
        self.0.publishers
    }

    /// The first of those listeners, at most 100.
    async fn first_listeners(&self) -> Option<Result<Vec<Listener>>> {
        let listeners: Vec<ListenerId> = self.0.first_listeners.clone();
        Some(self.1.find_all(listeners, Listener).await)
    }

    /// The first of those publishers, at most 100.
    async fn first_publishers(&self) -> Option<Result<Vec<Publisher>>> {
        let publishers: Vec<PublisherId> = self.0.first_publishers.clone();
        Some(self.1.find_all(publishers, Publisher).await)
    }
}

/// What `ending` would end now.
pub(crate) async fn preview(view: &View, ending: Ending) -> Option<Result<EndPreview>> {
    view.find(ending, EndPreview).await
}
