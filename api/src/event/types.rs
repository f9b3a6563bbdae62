//! The event type.

use async_graphql::{Context, ID, Json, Object, Result, SimpleObject};
use domain::{Actor as DomainActor, Envelope};

use super::words::words;
use crate::id::GlobalId;
use crate::scalar::{BigInt, DateTime, Position};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event(pub Envelope);

#[Object]
impl Event {
    pub async fn id(&self) -> ID {
        GlobalId::Event(self.0.position).encode()
    }

    /// The event's UUID, as causes name it.
    async fn event_id(&self) -> String {
        self.0.id.to_string()
    }

    /// Its place in the log; `events(after:)` resumes behind it.
    async fn position(&self) -> Position {
        Position(self.0.position)
    }

    async fn stream(&self) -> &str {
        self.0.stream.as_str()
    }

    /// Its place in its stream.
    async fn revision(&self) -> BigInt {
        BigInt(self.0.revision.0)
    }

    #[graphql(name = "type")]
    async fn type_name(&self) -> &str {
        &self.0.type_name
    }

    async fn schema_version(&self) -> u32 {
        self.0.schema_version
    }

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

    /// The request that it belongs to.
    async fn correlation_id(&self) -> String {
        self.0.meta.correlation.to_string()
    }

    /// The command or the event that led to it.
    async fn causation_id(&self) -> String {
        self.0.meta.causation.to_string()
    }

    /// The address that the request came from.
    async fn client_address(&self) -> Option<&str> {
        self.0.meta.client_address.as_deref()
    }

    /// What happened, as a sentence without a full stop; null where this program does not know
    /// the type.
    async fn words(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        words(ctx, &self.0).await.transpose()
    }

    /// What happened, as it is stored.
    async fn payload(&self) -> Option<Json<serde_json::Value>> {
        serde_json::from_slice(&self.0.payload).ok().map(Json)
    }
}

/// Who did something.
#[derive(SimpleObject)]
pub struct Actor {
    /// `user`, `worker` or `policy`
    pub kind: &'static str,
    pub name: String,
}
