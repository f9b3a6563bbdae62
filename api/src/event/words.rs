//! Events in words, with the names of the brokers that they are about.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, Result};
use domain::codec;
use domain::describe::{self, BrokerNames};
use domain::{BrokerId, BrokerName, Envelope, Event, Revision, StreamName, Subject, Thing};
use engine::{Engine, ReadError};

use crate::error::log_failure;

/// Loads the names of brokers, also of disconnected ones: a broker's first event has it.
pub(crate) struct Names(pub(crate) Arc<Engine>);

/// What happened; nothing where this program does not know the event.
pub(super) async fn words(ctx: &Context<'_>, envelope: &Envelope) -> Result<Option<String>> {
    let Ok(event) = codec::decode(envelope) else {
        return Ok(None);
    };
    let loader = ctx.data_unchecked::<DataLoader<Names>>();
    let names = loader.load_many(brokers(&event)).await;
    let names: BrokerNames = names
        .map_err(|cause| log_failure(&cause))?
        .into_iter()
        .collect();
    let actor = &envelope.meta.actor;
    Ok(Some(describe::sentence(actor, &event, &names)))
}

/// The brokers that the words may name.
fn brokers(event: &Event) -> Vec<BrokerId> {
    if !matches!(event.subject(), Subject::Broker(_)) {
        return Vec::new();
    }
    let broker = |thing| match thing {
        Thing::Broker(id) => Some(id),
        _ => None,
    };
    event.about().into_iter().filter_map(broker).collect()
}

impl Loader<BrokerId> for Names {
    type Value = BrokerName;
    type Error = Arc<ReadError>;

    async fn load(&self, keys: &[BrokerId]) -> Result<HashMap<BrokerId, BrokerName>, Self::Error> {
        let mut names = HashMap::with_capacity(keys.len());
        for id in keys {
            let stream = StreamName::broker(*id);
            let first = self.0.store().read_stream(&stream, Revision(0), 1).await;
            let first = first.map_err(Arc::new)?;
            if let Some(Ok(Event::BrokerConnected(e))) = first.first().map(codec::decode) {
                names.insert(*id, e.name);
            }
        }
        Ok(names)
    }
}
