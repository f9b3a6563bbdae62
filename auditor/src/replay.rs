//! The state at an earlier time, by the projections that serve today's.

use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use domain::grant::{Access, Grantee, Scope};
use domain::{Envelope, ListenerId, Position, TopicId};
use event_store::EventStore;
use jiff::Timestamp;
use projections::broker::{Broker, BrokerFilter};
use projections::grant::{Grant, GrantFilter};
use projections::list::{Filter, Listed};
use projections::listener::{Listener, ListenerFilter};
use projections::publisher::{Publisher, PublisherFilter};
use projections::{Paging, Projector, ReadModel, ReadModelError};
use serde_json::{Value, json};

use crate::failure::Failure;

/// Events read, and rows listed, at once.
const PAGE: u32 = 512;

/// The moment that is asked for.
#[derive(Clone, Copy, Debug)]
pub enum AsOf {
    Position(Position),
    /// Before the first event that was recorded later.
    Time(Timestamp),
}

impl FromStr for AsOf {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        match text.parse() {
            Ok(position) => Ok(Self::Position(Position(position))),
            Err(_) => text.parse().map(Self::Time),
        }
    }
}

impl AsOf {
    fn includes(self, envelope: &Envelope) -> bool {
        match self {
            Self::Position(last) => envelope.position <= last,
            Self::Time(last) => envelope.recorded_at <= last,
        }
    }
}

/// The state at that moment, from the log alone. `scratch` is an empty directory for the tables.
///
/// # Errors
/// The log cannot be read or does not reach that position, or the directory cannot be written.
pub async fn replay(
    store: Arc<dyn EventStore>,
    as_of: AsOf,
    scratch: &Path,
) -> Result<Value, Failure> {
    let head = store.head().await?;
    if let AsOf::Position(wanted) = as_of
        && wanted > head
    {
        return Err(Failure::Future(head));
    }
    let model = ReadModel::open(&scratch.join("read.db")).await?;
    let recorded_at = project(store, &model, as_of).await?;
    Ok(state(&model, recorded_at).await?)
}

/// Applies the events up to that moment. Returns when the last of them was recorded.
async fn project(
    store: Arc<dyn EventStore>,
    model: &ReadModel,
    as_of: AsOf,
) -> Result<Option<Timestamp>, Failure> {
    let projector = Projector::new(model.clone(), Arc::clone(&store));
    let mut recorded_at = None;
    loop {
        let mut page = store.read_all(model.position(), PAGE as usize).await?;
        let read = page.len();
        let past = page.iter().take_while(|envelope| as_of.includes(envelope));
        page.truncate(past.count());
        projector.apply(&page).await?;
        recorded_at = page.last().map(|last| last.recorded_at).or(recorded_at);
        if page.len() < read || read == 0 {
            return Ok(recorded_at);
        }
    }
}

async fn state(model: &ReadModel, recorded_at: Option<Timestamp>) -> Result<Value, ReadModelError> {
    let brokers = list(model, BrokerFilter::default()).await?;
    let grants = list(model, GrantFilter::default()).await?;
    let listeners = list(model, ListenerFilter::default()).await?;
    let publishers = list(model, PublisherFilter::default()).await?;
    let readers = grants
        .iter()
        .filter(|grant| grant.key.permission.access == Access::Subscribe);
    let dead_lettering = dead_lettering(&grants, &listeners);
    let readers = readers.map(|grant| reader(grant, &listeners, &dead_lettering));
    Ok(json!({
        "position": model.position().0,
        "recorded_at": recorded_at,
        "brokers": brokers.iter().map(broker).collect::<Vec<_>>(),
        "grants": grants.iter().map(grant).collect::<Vec<_>>(),
        "listeners": listeners.iter().map(listener).collect::<Vec<_>>(),
        "publishers": publishers.iter().map(publisher).collect::<Vec<_>>(),
        "could_read": readers.collect::<Vec<_>>(),
    }))
}

/// All rows of a list, which its pages are read to the end for.
async fn list<F: Filter>(model: &ReadModel, filter: F) -> Result<Vec<F::Row>, ReadModelError> {
    let mut paging = Paging::first(PAGE);
    let mut rows = Vec::new();
    loop {
        let next = model.page(&filter, &paging).await?;
        paging.after = next.rows.last().map(|row| row.place(paging.order));
        rows.extend(next.rows);
        if !next.more {
            return Ok(rows);
        }
    }
}

fn broker(broker: &Broker) -> Value {
    json!({
        "id": broker.id,
        "name": broker.name,
        "settings": broker.settings,
        "connected_at": broker.connected_at,
    })
}

fn grant(grant: &Grant) -> Value {
    let mut shown = covered(grant);
    shown["access"] = json!(grant.key.permission.access);
    shown["granted_at"] = json!(grant.granted_at);
    shown
}

/// The topic or the pattern of topics, and the algorithm or the organization with all of its
/// algorithms.
fn covered(grant: &Grant) -> Value {
    let key = &grant.key;
    let scope = match &key.scope {
        Scope::Topic(_) => "topic",
        Scope::Pattern(_) => "pattern",
    };
    let (grantee, name) = match &key.permission.grantee {
        Grantee::Algorithm(algorithm) => ("algorithm", algorithm.to_string()),
        Grantee::Organization(organization) => ("organization", organization.to_string()),
    };
    json!({ scope: format!("{}/{}", key.broker, key.scope), grantee: name })
}

fn listener(listener: &Listener) -> Value {
    json!({
        "topic": listener.id.topic.to_string(),
        "algorithm": listener.id.algorithm,
        "enabled": listener.enabled,
        "paused": listener.pause.is_some(),
        "version": listener.version,
        "settings": listener.settings,
        "dlq": listener.dlq,
        "changed_at": listener.changed_at,
    })
}

fn publisher(publisher: &Publisher) -> Value {
    json!({
        "topic": publisher.id.topic.to_string(),
        "algorithm": publisher.id.algorithm,
        "enabled": publisher.enabled,
        "version": publisher.version,
        "changed_at": publisher.changed_at,
    })
}

/// A topic whose faulty messages go to another.
struct DeadLettering {
    from: TopicId,
    to: TopicId,
}

/// What enabled listeners are permitted to send to their dead letter queues.
fn dead_lettering(grants: &[Grant], listeners: &[Listener]) -> Vec<DeadLettering> {
    let enabled = listeners.iter().filter(|listener| listener.enabled);
    let dead_lettering = enabled.filter_map(|listener| {
        let ListenerId { topic, algorithm } = &listener.id;
        let to = topic.sibling(&listener.dlq.as_ref()?.parse().ok()?);
        let permitted = grants.iter().any(|grant| {
            let mut taking = Access::TAKING_DEAD_LETTERS.into_iter();
            taking.any(|access| grant.key.covers(&to, algorithm, access))
        });
        permitted.then(|| DeadLettering {
            from: topic.clone(),
            to,
        })
    });
    dead_lettering.collect()
}

/// Who could read by a grant, and who did: for one topic and one algorithm the version, if one
/// did; for more of them each listener that did. And the topics whose faulty messages could be
/// read by it, since they go to a topic of the grant.
fn reader(grant: &Grant, listeners: &[Listener], dead_lettering: &[DeadLettering]) -> Value {
    let mut readers = listeners.iter().filter(|listener| reads(grant, listener));
    let mut shown = covered(grant);
    shown["since"] = json!(grant.granted_at);
    let faulty = dead_lettering
        .iter()
        .filter(|edge| grant.key.includes(&edge.to));
    let faulty: BTreeSet<String> = faulty.map(|edge| edge.from.to_string()).collect();
    shown["dead_letters_of"] = json!(faulty);
    let key = &grant.key;
    if let (Scope::Topic(_), Grantee::Algorithm(_)) = (&key.scope, &key.permission.grantee) {
        shown["did_with_version"] = json!(readers.next().map(|listener| &listener.version));
        return shown;
    }
    let did = readers.map(|listener| {
        json!({
            "topic": listener.id.topic.to_string(),
            "algorithm": listener.id.algorithm,
            "version": listener.version,
        })
    });
    shown["did"] = did.collect();
    shown
}

/// Whether an enabled listener reads by that grant.
fn reads(grant: &Grant, listener: &Listener) -> bool {
    let ListenerId { topic, algorithm } = &listener.id;
    listener.enabled && grant.key.covers(topic, algorithm, Access::Subscribe)
}

#[cfg(test)]
mod tests;
