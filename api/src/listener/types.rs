//! The types of a listener.

use async_graphql::connection::Connection;
use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use domain::algorithm::Algorithm as Versions;
use projections::algorithm::PublishedVersion;
use projections::worker::ConsumerState as RowState;

use super::settings::ListenerSettings;
use crate::algorithm::{Algorithm, Version};
use crate::broker::Broker;
use crate::id::GlobalId;
use crate::loaders::{ConsumersOf, VersionsOf};
use crate::paging::Cursor;
use crate::run::{Ledger, Run, query};
use crate::scalar::{DateTime, Position};
use crate::view::View;

/// A topic that feeds an algorithm.
pub struct Listener(pub(crate) projections::listener::Listener, pub(crate) View);

#[Object]
impl Listener {
    pub async fn id(&self) -> ID {
        GlobalId::Listener(self.0.id.clone()).encode()
    }

    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// It is enabled, and consumes nothing until it is resumed.
    async fn paused(&self) -> bool {
        self.0.paused
    }

    /// The selector, resolved anew at each run.
    async fn version(&self) -> String {
        self.0.version.to_string()
    }

    /// What the selector picks now; null when it picks nothing.
    async fn resolved_version(&self) -> Option<Result<Version>> {
        let (algorithm, rows) = match self.versions().await {
            Ok(loaded) => loaded,
            Err(error) => return Some(Err(error)),
        };
        let picked = &algorithm.resolve(&self.0.version).ok()?.version;
        let row = rows.into_iter().find(|row| row.version == *picked)?;
        Some(Ok(Version(row)))
    }

    /// Why the selector picks nothing now, in words; null when it picks a version. An enabled
    /// listener then holds its position.
    async fn problem(&self) -> Option<Result<String>> {
        match self.versions().await {
            Ok((algorithm, _)) => {
                let unresolved = algorithm.resolve(&self.0.version).err()?;
                Some(Ok(unresolved.to_string()))
            }
            Err(error) => Some(Err(error)),
        }
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

    /// The event that a policy enabled or disabled it for.
    async fn cause_event_id(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    async fn broker(&self) -> Option<Result<Broker>> {
        self.1.find(self.0.id.topic.broker, Broker).await
    }

    async fn algorithm(&self) -> Option<Result<Algorithm>> {
        self.1.find(self.0.id.algorithm.clone(), Algorithm).await
    }

    /// The live things that serve it, one a worker.
    async fn consumers(&self) -> Option<Result<Vec<Consumer>>> {
        let rows = self.1.load(ConsumersOf(self.0.id.to_string())).await;
        Some(rows.map(|rows| {
            let rows = rows.unwrap_or_default().into_iter();
            rows.map(Into::into).collect()
        }))
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

impl Listener {
    /// Its algorithm with the versions, as rows and as selectors are resolved by.
    async fn versions(&self) -> Result<(Versions, Vec<PublishedVersion>)> {
        let id = &self.0.id.algorithm;
        let algorithm = self.1.load(id.clone()).await?;
        let rows = self.1.load(VersionsOf(id.clone())).await?;
        let rows = rows.unwrap_or_default();
        let retired = algorithm.is_some_and(|row| row.retired_at.is_some());
        Ok((projections::algorithm::state(retired, &rows), rows))
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
