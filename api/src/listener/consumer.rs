//! The consumers of a listener.

use async_graphql::{Enum, InputObject, Object, Result};
use domain::ListenerId;
use projections::consumer::{Consumer as Row, ConsumerFilter, ConsumerState as RowState};

use crate::filter::{FilterInput, Members};
use crate::scalar::DateTime;
use crate::view::View;
use crate::worker::Worker;

/// Which consumers of a listener to list; all of them by default. Each field given must match; a
/// list matches if any of its values does. A list has at most 100 values, and an empty list
/// matches nothing.
#[derive(InputObject, Default)]
pub struct ConsumerFilterInput {
    /// Only consumers in one of these states.
    pub states: Option<Vec<ConsumerState>>,
    /// Only those that this filter does not match; it must not contain another `not`.
    pub not: Option<Box<ConsumerFilterInput>>,
}

pub struct Consumer(pub(super) Row, pub(super) View);

/// The part of a worker that serves one listener.
#[Object]
impl Consumer {
    /// The worker that it runs in.
    async fn worker(&self) -> Option<Result<Worker>> {
        self.1.find(self.0.worker, Worker::of_row).await
    }

    /// Its state.
    async fn state(&self) -> ConsumerState {
        self.0.state.into()
    }

    /// Why it is blocked or failed.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// When it entered this state.
    async fn state_since(&self) -> DateTime {
        DateTime(self.0.since)
    }
}

/// The state of a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "RowState")]
pub enum ConsumerState {
    /// It has started; `consumerStatuses` of the listener says what it is doing now.
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
