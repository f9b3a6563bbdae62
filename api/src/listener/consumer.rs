//! The consumers of a listener.

use async_graphql::{Enum, InputObject, Object, Result};
use domain::ListenerId;
use projections::consumer::{Consumer as Row, ConsumerFilter, ConsumerState as RowState};

use crate::filter::{FilterInput, Members};
use crate::scalar::DateTime;
use crate::view::View;
use crate::worker::Worker;

/// Which consumers of a listener to list; all of them by default. Each member that is there must
/// match, a list by any of its values, which are at most 100; an empty list matches nothing.
#[derive(InputObject, Default)]
pub struct ConsumerFilterInput {
    /// Only in one of these.
    pub states: Option<Vec<ConsumerState>>,
    /// Only those that this does not match; it takes no `not` of its own.
    pub not: Option<Box<ConsumerFilterInput>>,
}

pub struct Consumer(pub(super) Row, pub(super) View);

/// What serves a listener in one worker.
#[Object]
impl Consumer {
    /// The worker that it runs in.
    async fn worker(&self) -> Option<Result<Worker>> {
        self.1.find(self.0.worker, Worker::of_row).await
    }

    /// How it is.
    async fn state(&self) -> ConsumerState {
        self.0.state.into()
    }

    /// Why it is blocked or failed.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Since when it has been in this state.
    async fn state_since(&self) -> DateTime {
        DateTime(self.0.since)
    }
}

/// How a consumer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "RowState")]
pub enum ConsumerState {
    /// It consumes.
    Running,
    /// It holds its position.
    Blocked,
    /// It failed and will be restarted.
    Failed,
}

impl FilterInput for ConsumerFilterInput {
    type Scope = ListenerId;
    type Filter = ConsumerFilter;

    fn not(&mut self) -> &mut Option<Box<Self>> {
        &mut self.not
    }

    fn read(
        self,
        members: Members,
        listener: &ListenerId,
        not: Option<Box<ConsumerFilter>>,
    ) -> Result<ConsumerFilter> {
        Ok(ConsumerFilter {
            listener: listener.clone(),
            states: members.words("states", self.states)?,
            not,
        })
    }
}
