//! The graph of what is connected: topics, algorithms, and the listeners, publishers and dead
//! letter queues between them.

use std::collections::BTreeSet;

use async_graphql::{Context, Enum, ID, Object, Result};
use domain::{AlgorithmId, ListenerId, PublisherId, TopicId};
use projections::listener::{Listener as ListenerRow, ListenerFilter};
use projections::publisher::{Publisher as PublisherRow, PublisherFilter};

use crate::algorithm::Algorithm;
use crate::as_of::AsOf;
use crate::error::{Code, fault, invalid};
use crate::id::GlobalId;
use crate::listener::Listener;
use crate::publisher::Publisher;
use crate::topic::Topic;
use crate::view::View;

/// The most listeners, and the most publishers, of one graph.
const MOST_EDGES: u32 = 500;

pub struct Flow {
    edges: Vec<FlowEdge>,
    more: bool,
    view: View,
}

/// The topics and algorithms that enabled listeners and publishers connect.
#[Object]
impl Flow {
    /// The topics that an edge begins or ends at, by broker and name.
    async fn topics(&self) -> Vec<Topic> {
        let topics: BTreeSet<&TopicId> = self.edges.iter().map(|edge| &edge.topic).collect();
        let topics = topics.into_iter().cloned();
        topics
            .map(|topic| Topic::of_id(topic, self.view.clone()))
            .collect()
    }

    /// The algorithms that an edge begins or ends at, by name.
    async fn algorithms(&self) -> Option<Result<Vec<Algorithm>>> {
        let algorithms: BTreeSet<&AlgorithmId> =
            self.edges.iter().map(|edge| &edge.algorithm).collect();
        let algorithms = algorithms.into_iter().cloned().collect();
        Some(self.view.find_all(algorithms, Algorithm).await)
    }

    /// What connects them: listeners with their dead letter queues, then publishers.
    async fn edges(&self) -> &[FlowEdge] {
        &self.edges
    }

    /// Whether there are more: at most 500 listeners and 500 publishers are shown.
    async fn truncated(&self) -> bool {
        self.more
    }
}

pub struct FlowEdge {
    topic: TopicId,
    algorithm: AlgorithmId,
    kind: FlowEdgeKind,
    /// The topic that the listener reads; the publisher's own.
    through: TopicId,
    view: View,
}

/// A connection between a topic and an algorithm.
#[Object]
impl FlowEdge {
    /// Which messages pass along it, and in which direction.
    async fn kind(&self) -> FlowEdgeKind {
        self.kind
    }

    /// The topic.
    async fn topic(&self) -> Topic {
        Topic::of_id(self.topic.clone(), self.view.clone())
    }

    /// The algorithm.
    async fn algorithm(&self) -> Option<Result<Algorithm>> {
        self.view.find(self.algorithm.clone(), Algorithm).await
    }

    /// The listener that makes the connection; null for a publisher.
    async fn listener(&self) -> Option<Result<Listener>> {
        if self.kind == FlowEdgeKind::Publish {
            return None;
        }
        let listener = ListenerId {
            topic: self.through.clone(),
            algorithm: self.algorithm.clone(),
        };
        self.view.find(listener, Listener).await
    }

    /// The publisher that makes the connection; null for a listener.
    async fn publisher(&self) -> Option<Result<Publisher>> {
        if self.kind != FlowEdgeKind::Publish {
            return None;
        }
        let publisher = PublisherId {
            topic: self.through.clone(),
            algorithm: self.algorithm.clone(),
        };
        self.view.find(publisher, Publisher).await
    }
}

/// What connects a topic and an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum FlowEdgeKind {
    /// A listener: messages of the topic go to the algorithm.
    Subscribe,
    /// A publisher: results of the algorithm go to the topic.
    Publish,
    /// A dead letter queue: messages that the algorithm could not take go to the topic.
    DeadLetter,
}

#[derive(Default)]
pub struct FlowQuery;

#[Object]
impl FlowQuery {
    /// What is connected by enabled listeners and publishers: all of it, or what touches one
    /// broker, topic, algorithm or organization.
    async fn flow(
        &self,
        ctx: &Context<'_>,
        within: Option<ID>,
        as_of: Option<AsOf>,
    ) -> Option<Result<Flow>> {
        Some(flow(ctx, within, as_of).await)
    }
}

async fn flow(ctx: &Context<'_>, within: Option<ID>, as_of: Option<AsOf>) -> Result<Flow> {
    let (listeners, publishers) = filters(within.as_ref())?;
    let view = View::at(ctx, as_of).await?;
    let listeners = view.first(listeners, MOST_EDGES).await?;
    let publishers = view.first(publishers, MOST_EDGES).await?;
    let more = listeners.more || publishers.more;
    let mut edges = Vec::with_capacity(listeners.rows.len() + publishers.rows.len());
    for listener in listeners.rows {
        edges.extend(of_listener(&listener, &view)?);
    }
    let publishers = publishers.rows.into_iter();
    edges.extend(publishers.map(|publisher| of_publisher(publisher, &view)));
    Ok(Flow { edges, more, view })
}

/// The enabled listeners and publishers of what is asked for.
fn filters(within: Option<&ID>) -> Result<(ListenerFilter, PublisherFilter)> {
    let mut listeners = ListenerFilter {
        enabled: Some(true),
        ..ListenerFilter::default()
    };
    match within.map(|id| GlobalId::decode(id)) {
        None => {}
        Some(Some(GlobalId::Broker(id))) => listeners.brokers = Some(vec![id]),
        Some(Some(GlobalId::Topic(id))) => listeners.topics = Some(vec![id]),
        Some(Some(GlobalId::Algorithm(id))) => listeners.algorithms = Some(vec![id]),
        Some(Some(GlobalId::Organization(name))) => listeners.organizations = Some(vec![name]),
        Some(_) => {
            let text =
                "within must be the id of a broker, a topic, an algorithm or an organization";
            return Err(invalid(text));
        }
    }
    let publishers = PublisherFilter {
        brokers: listeners.brokers.clone(),
        topics: listeners.topics.clone(),
        algorithms: listeners.algorithms.clone(),
        organizations: listeners.organizations.clone(),
        enabled: listeners.enabled,
        ..PublisherFilter::default()
    };
    Ok((listeners, publishers))
}

fn of_listener(row: &ListenerRow, view: &View) -> Result<Vec<FlowEdge>> {
    let edge = |topic, kind| FlowEdge {
        topic,
        algorithm: row.id.algorithm.clone(),
        kind,
        through: row.id.topic.clone(),
        view: view.clone(),
    };
    let mut edges = vec![edge(row.id.topic.clone(), FlowEdgeKind::Subscribe)];
    if let Some(dlq) = row.dlq.as_deref() {
        let topic = TopicId {
            broker: row.id.topic.broker,
            topic: dlq.parse().map_err(|cause| fault(Code::Internal, &cause))?,
        };
        edges.push(edge(topic, FlowEdgeKind::DeadLetter));
    }
    Ok(edges)
}

fn of_publisher(row: PublisherRow, view: &View) -> FlowEdge {
    FlowEdge {
        topic: row.id.topic.clone(),
        algorithm: row.id.algorithm,
        kind: FlowEdgeKind::Publish,
        through: row.id.topic,
        view: view.clone(),
    }
}
