//! The types of a listener.

use async_graphql::connection::Connection;
use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use projections::worker::ConsumerState as RowState;

use super::settings::ListenerSettings;
use crate::algorithm::{Algorithm, Version};
use crate::broker::Broker;
use crate::error::read_failure;
use crate::id::GlobalId;
use crate::loaders::{ConsumersOf, RowLoader, VersionsOf};
use crate::paging::Cursor;
use crate::run::{Ledger, Run, query};
use crate::scalar::{DateTime, Position};

/// A topic that feeds an algorithm.
pub struct Listener(pub projections::listener::Listener);

#[Object]
impl Listener {
    pub async fn id(&self) -> ID {
        GlobalId::Listener(self.0.id.clone()).encode()
    }

    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// The selector, resolved anew at each run.
    async fn version(&self) -> String {
        self.0.version.to_string()
    }

    /// What the selector picks now; null when no published version matches.
    async fn resolved_version(&self, ctx: &Context<'_>) -> Option<Result<Version>> {
        let loader = ctx.data_unchecked::<RowLoader>();
        let key = VersionsOf(self.0.id.algorithm.clone());
        let rows = match loader.load_one(key).await {
            Ok(rows) => rows.unwrap_or_default(),
            Err(cause) => return Some(Err(read_failure(&cause))),
        };
        let picked = self
            .0
            .version
            .resolve(rows.iter().map(|row| &row.version))?;
        let row = rows.iter().find(|row| &row.version == picked)?;
        Some(Ok(Version(row.clone())))
    }

    async fn settings(&self) -> ListenerSettings {
        self.0.settings.clone().into()
    }

    /// The name of the topic, on the same broker, that takes faulty messages.
    async fn dlq(&self) -> Option<&str> {
        self.0.dlq.as_deref()
    }

    async fn topic_id(&self) -> ID {
        GlobalId::Topic(self.0.id.topic.clone()).encode()
    }

    /// The name of the topic on its broker.
    async fn topic_name(&self) -> &str {
        self.0.id.topic.topic.as_str()
    }

    /// The consumer group that holds its position on the broker.
    async fn group(&self) -> String {
        self.0.group.to_string()
    }

    /// The position of the event that last changed it.
    async fn revision(&self) -> Position {
        Position(self.0.revision)
    }

    async fn changed_at(&self) -> DateTime {
        DateTime(self.0.changed_at)
    }

    /// The event that a policy disabled it for.
    async fn cause_event_id(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    async fn broker(&self, ctx: &Context<'_>) -> Option<Result<Broker>> {
        let loader = ctx.data_unchecked::<RowLoader>();
        let found = loader.load_one(self.0.id.topic.connection).await;
        found
            .map(|row| row.map(Broker))
            .map_err(|cause| read_failure(&cause))
            .transpose()
    }

    async fn algorithm(&self, ctx: &Context<'_>) -> Option<Result<Algorithm>> {
        let loader = ctx.data_unchecked::<RowLoader>();
        let found = loader.load_one(self.0.id.algorithm.clone()).await;
        found
            .map(|row| row.map(Algorithm))
            .map_err(|cause| read_failure(&cause))
            .transpose()
    }

    /// The live things that serve it, one a worker.
    async fn consumers(&self, ctx: &Context<'_>) -> Option<Result<Vec<Consumer>>> {
        let loader = ctx.data_unchecked::<RowLoader>();
        let rows = loader.load_one(ConsumersOf(self.0.id.to_string())).await;
        Some(
            rows.map(|rows| {
                rows.unwrap_or_default()
                    .into_iter()
                    .map(Into::into)
                    .collect()
            })
            .map_err(|cause| read_failure(&cause)),
        )
    }

    /// What became of the messages received so far.
    async fn ledger(&self, ctx: &Context<'_>) -> Option<Result<Ledger>> {
        Some(query::ledger(ctx, self.0.group).await)
    }

    /// Its runs, the newest first.
    async fn runs(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<Connection<Cursor, Run>>> {
        Some(query::runs(ctx, self.0.group, first, after).await)
    }
}

/// The live thing in a worker that serves a listener.
#[derive(SimpleObject)]
pub struct Consumer {
    pub worker_id: String,
    pub state: ConsumerState,
    /// Why it is blocked or failed.
    pub reason: Option<String>,
    pub since: DateTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "RowState")]
pub enum ConsumerState {
    Running,
    /// It holds its position.
    Blocked,
    /// It ended by itself and will be started again.
    Failed,
}

impl From<projections::worker::Consumer> for Consumer {
    fn from(row: projections::worker::Consumer) -> Self {
        Self {
            worker_id: row.worker.to_string(),
            state: row.state.into(),
            reason: row.reason,
            since: DateTime(row.since),
        }
    }
}
