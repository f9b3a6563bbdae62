//! The event type.

use async_graphql::{Context, ID, Json, Object, Result, SimpleObject};
use domain::{Actor as DomainActor, Envelope};

use super::words::words;
use crate::id::GlobalId;
use crate::scalar::{BigInt, DateTime, Position};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event(pub Envelope);

/// Something that happened, as the log has recorded it. Events never change.
#[Object]
impl Event {
    /// Its global id.
    pub async fn id(&self) -> ID {
        GlobalId::Event(self.0.position).encode()
    }

    /// The event's UUID.
    async fn event_id(&self) -> String {
        self.0.id.to_string()
    }

    /// Its position in the log; `events(after:)` continues behind it.
    async fn position(&self) -> Position {
        Position(self.0.position)
    }

    /// The stream that it belongs to.
    async fn stream(&self) -> &str {
        self.0.stream.as_str()
    }

    /// Its place in its stream, from 0.
    async fn stream_revision(&self) -> BigInt {
        BigInt(self.0.revision.0)
    }

    /// What kind of event it is. New types are added over time.
    #[graphql(name = "type")]
    async fn type_name(&self) -> &str {
        &self.0.type_name
    }

    /// The version of the form of its payload, from 1.
    async fn schema_version(&self) -> u32 {
        self.0.schema_version
    }

    /// When it was recorded.
    async fn recorded_at(&self) -> DateTime {
        DateTime(self.0.recorded_at)
    }

    /// Who did it.
    async fn actor(&self) -> Actor {
        let (kind, name) = match &self.0.meta.actor {
            DomainActor::User { name } => ("user", name.clone()),
            DomainActor::Worker { id } => ("worker", id.to_string()),
            DomainActor::Policy { name } => ("policy", name.clone()),
        };
        Actor { kind, name }
    }

    /// The UUID of the request that it belongs to.
    async fn correlation_id(&self) -> String {
        self.0.meta.correlation.to_string()
    }

    /// The UUID of the command or the event that led to it.
    async fn causation_id(&self) -> String {
        self.0.meta.causation.to_string()
    }

    /// The address that the request came from.
    async fn client_address(&self) -> Option<&str> {
        self.0.meta.client_address.as_deref()
    }

    /// What happened, as a sentence without a full stop; null if this server does not know the
    /// type.
    async fn words(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        words(ctx, &self.0).await.transpose()
    }

    /// What happened, in its stored form.
    async fn payload(&self) -> Option<Json<serde_json::Value>> {
        serde_json::from_slice(&self.0.payload).ok().map(Json)
    }
}

/// Who did something.
#[derive(SimpleObject)]
pub struct Actor {
    /// `user`, `worker` or `policy`
    pub kind: &'static str,
    /// The user's or the policy's name, or the worker's UUID.
    pub name: String,
}
