//! Events in words, with the names of the broker connections that they are about.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, Result};
use domain::codec;
use domain::words::ConnectionNames;
use domain::{ConnectionId, ConnectionName, Envelope, Event, Revision, StreamName, Subject};
use engine::{Engine, ReadError};

use crate::error::log_failure;

/// Loads the names of connections, also of those that are gone: a connection's first event tells.
pub(crate) struct Names(pub(crate) Arc<Engine>);

/// What happened; nothing where this program does not know the event.
pub(super) async fn words(ctx: &Context<'_>, envelope: &Envelope) -> Result<Option<String>> {
    let Ok(event) = codec::decode(envelope) else {
        return Ok(None);
    };
    let loader = ctx.data_unchecked::<DataLoader<Names>>();
    let names = loader.load_many(connections(&event)).await;
    let names: ConnectionNames = names
        .map_err(|cause| log_failure(&cause))?
        .into_iter()
        .collect();
    let actor = &envelope.meta.actor;
    Ok(Some(domain::words::words(actor, &event, &names)))
}

/// The connections that the words may name.
fn connections(event: &Event) -> Vec<ConnectionId> {
    match (event.subject(), event) {
        (Subject::Connection(id), Event::BrokerReplaced(e)) => vec![*id, e.replacement],
        (Subject::Connection(id), _) => vec![*id],
        _ => Vec::new(),
    }
}

impl Loader<ConnectionId> for Names {
    type Value = ConnectionName;
    type Error = Arc<ReadError>;

    async fn load(
        &self,
        keys: &[ConnectionId],
    ) -> Result<HashMap<ConnectionId, ConnectionName>, Self::Error> {
        let mut names = HashMap::with_capacity(keys.len());
        for id in keys {
            let stream = StreamName::connection(*id);
            let first = self.0.store().read_stream(&stream, Revision(0), 1).await;
            let first = first.map_err(Arc::new)?;
            if let Some(Ok(Event::BrokerConnected(e))) = first.first().map(codec::decode) {
                names.insert(*id, e.name);
            }
        }
        Ok(names)
    }
}
