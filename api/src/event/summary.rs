//! Events in words, with the names of the brokers that they are about.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, Result};
use domain::codec;
use domain::describe::{self, BrokerNames};
use domain::{BrokerId, BrokerName, Envelope, Event, Revision, StreamName, Subject, Thing};

use super::loaders::{Log, LogError, failure};

/// What happened; nothing where this program does not know the event.
pub(super) async fn summary(ctx: &Context<'_>, envelope: &Envelope) -> Result<Option<String>> {
    let Ok(event) = codec::decode(envelope) else {
        return Ok(None);
    };
    let loader = ctx.data_unchecked::<DataLoader<Log>>();
    let names = loader.load_many(brokers(&event)).await;
    let names: BrokerNames = names
        .map_err(|cause| failure(&cause))?
        .into_iter()
        .collect();
    let actor = &envelope.meta.actor;
    Ok(Some(describe::sentence(actor, &event, &names)))
}

/// The brokers that the sentence may name.
fn brokers(event: &Event) -> Vec<BrokerId> {
    let things: Vec<Thing> = match (event, event.subject()) {
        (Event::NothingChanged(e), _) => e.thing().into_iter().collect(),
        (_, Subject::Broker(_)) => event.about(),
        _ => return Vec::new(),
    };
    let broker = |thing| match thing {
        Thing::Broker(id) => Some(id),
        _ => None,
    };
    things.into_iter().filter_map(broker).collect()
}

/// The names of brokers, also of those that are gone: a broker's first event tells.
impl Loader<BrokerId> for Log {
    type Value = BrokerName;
    type Error = LogError;

    async fn load(&self, keys: &[BrokerId]) -> Result<HashMap<BrokerId, BrokerName>, LogError> {
        let things: Vec<Thing> = keys.iter().copied().map(Thing::Broker).collect();
        let beginnings = self.model.beginnings_of(&things).await;
        let beginnings = beginnings.map_err(|cause| LogError::Model(Arc::new(cause)))?;
        let first = self.read_at(&beginnings).await?;
        let mut names: HashMap<_, _> = first.iter().filter_map(name).collect();
        // The read models may not have reached it yet.
        for id in keys
            .iter()
            .filter(|id| !names.contains_key(id))
            .copied()
            .collect::<Vec<_>>()
        {
            let stream = StreamName::broker(id);
            let first = self.engine.store().read_stream(&stream, Revision(0), 1);
            let first = first
                .await
                .map_err(|cause| LogError::Log(Arc::new(cause)))?;
            names.extend(first.iter().filter_map(name));
        }
        Ok(names)
    }
}

fn name(envelope: &Envelope) -> Option<(BrokerId, BrokerName)> {
    match codec::decode(envelope) {
        Ok(Event::BrokerConnected(e)) => Some((e.broker, e.name)),
        _ => None,
    }
}
