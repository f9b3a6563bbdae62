//! Anything by its global id.

use async_graphql::{Context, ID, Interface, Object, Result};
use domain::Position;

use crate::algorithm::{Algorithm, Version};
use crate::broker::Broker;
use crate::control::control;
use crate::error::{invalid, log_failure, read_failure};
use crate::event::Event;
use crate::grant::Grant;
use crate::id::GlobalId;
use crate::listener::Listener;
use crate::organization::Organization;
use crate::publisher::Publisher;
use crate::topic::Topic;

/// The most ids that `nodes` takes.
const MOST_NODES: usize = 100;

/// Anything with a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID"))]
pub enum Node {
    Organization(Organization),
    Algorithm(Algorithm),
    Version(Version),
    Broker(Broker),
    Topic(Topic),
    Grant(Grant),
    Listener(Listener),
    Publisher(Publisher),
    Event(Event),
}

#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The thing with that id; null where there is none.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Node>> {
        find(ctx, &id).await.transpose()
    }

    /// The things with those ids, at most 100, each null where there is none.
    async fn nodes(&self, ctx: &Context<'_>, ids: Vec<ID>) -> Option<Result<Vec<Option<Node>>>> {
        if ids.len() > MOST_NODES {
            return Some(Err(invalid("at most 100 ids")));
        }
        let mut nodes = Vec::with_capacity(ids.len());
        for id in &ids {
            match find(ctx, id).await {
                Ok(node) => nodes.push(node),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(nodes))
    }
}

async fn find(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let Some(id) = GlobalId::decode(id) else {
        return Ok(None);
    };
    if let GlobalId::Event(position) = id {
        return event(ctx, position).await;
    }
    row(ctx, id).await.map_err(|cause| read_failure(&cause))
}

async fn event(ctx: &Context<'_>, position: Position) -> Result<Option<Node>> {
    let Some(before) = position.0.checked_sub(1) else {
        return Ok(None);
    };
    let store = control(ctx).engine.store();
    let page = store.read_all(Position(before), 1).await;
    let page = page.map_err(|cause| log_failure(&cause))?;
    Ok(page.into_iter().next().map(|e| Node::Event(Event(e))))
}

async fn row(ctx: &Context<'_>, id: GlobalId) -> Result<Option<Node>, projections::ReadModelError> {
    let model = &control(ctx).model;
    Ok(match id {
        GlobalId::Organization(name) => {
            let row = model.organization(&name).await?;
            row.map(|row| Node::Organization(Organization(row)))
        }
        GlobalId::Algorithm(id) => {
            let rows = model.algorithms_by_id(&[id]).await?;
            let row = rows.into_iter().next();
            row.map(|row| Node::Algorithm(Algorithm(row)))
        }
        GlobalId::Version(algorithm, version) => {
            let rows = model.versions_of(&[algorithm]).await?;
            let row = rows.into_iter().find(|row| row.version == version);
            row.map(|row| Node::Version(Version(row)))
        }
        GlobalId::Broker(id) => {
            let rows = model.connections_by_id(&[id]).await?;
            rows.into_iter().next().map(|row| Node::Broker(Broker(row)))
        }
        GlobalId::Topic(id) => {
            let row = model.topic(&id).await?;
            row.map(|row| Node::Topic(Topic(row)))
        }
        GlobalId::Grant(key) => {
            let row = model.grant(&key).await?;
            row.map(|row| Node::Grant(Grant(row)))
        }
        GlobalId::Listener(id) => {
            let row = model.listener(&id).await?;
            row.map(|row| Node::Listener(Listener(row)))
        }
        GlobalId::Publisher(id) => {
            let row = model.publisher(&id).await?;
            row.map(|row| Node::Publisher(Publisher(row)))
        }
        GlobalId::Event(_) => None,
    })
}
