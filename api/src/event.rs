//! The event log over GraphQL.

pub mod actor;
pub mod event_type;
pub(crate) mod list;
pub(crate) mod loaders;
pub mod query;
pub mod subscription;
pub(crate) mod summary;
pub mod types;
pub mod undo;

use async_graphql::{Context, Result};
use domain::EventId;

use crate::error::{Code, fault};

pub use types::Event;

/// The event that a row names as its cause.
pub(crate) async fn because(ctx: &Context<'_>, cause: &str) -> Result<Option<Event>> {
    let cause = cause.parse().map(EventId);
    let cause = cause.map_err(|unread: uuid::Error| fault(Code::Internal, &unread))?;
    Ok(loaders::by_uuid(ctx, cause).await?.map(Event))
}
