//! Anything by its global id.

use async_graphql::{Context, ID, Interface, Object, Result};
use domain::Position;
use futures_util::future::try_join_all;

use crate::algorithm::{Algorithm, Version};
use crate::as_of::{self, AsOf};
use crate::broker::Broker;
use crate::error::invalid;
use crate::event::{self, Event};
use crate::grant::Grant;
use crate::id::GlobalId;
use crate::job::{self, Job};
use crate::listener::Listener;
use crate::loaders::Listed;
use crate::organization::Organization;
use crate::publisher::Publisher;
use crate::run::{self, Run};
use crate::topic::Topic;
use crate::view::View;
use crate::worker::Worker;

/// The most ids that `nodes` takes.
pub(crate) const MOST_NODES: usize = 100;

/// Anything with a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its global id."))]
pub enum Node {
    Organization(Organization),
    Algorithm(Algorithm),
    Version(Version),
    Broker(Broker),
    Topic(Topic),
    Grant(Grant),
    Listener(Listener),
    Publisher(Publisher),
    Worker(Worker),
    Run(Run),
    Event(Event),
    Job(Job),
}

#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The thing with this global id; null if there is none.
    async fn node(&self, ctx: &Context<'_>, id: ID, as_of: Option<AsOf>) -> Option<Result<Node>> {
        let found = find_all(ctx, &[id], as_of).await;
        found.map(|nodes| nodes.into_iter().next()?).transpose()
    }

    /// The things with these global ids, at most 100; null for each that does not exist.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        ids: Vec<ID>,
        as_of: Option<AsOf>,
    ) -> Option<Result<Vec<Option<Node>>>> {
        if ids.len() > MOST_NODES {
            return Some(Err(invalid("at most 100 ids")));
        }
        Some(find_all(ctx, &ids, as_of).await)
    }
}

async fn find_all(ctx: &Context<'_>, ids: &[ID], as_of: Option<AsOf>) -> Result<Vec<Option<Node>>> {
    let until = as_of::bound(ctx, as_of).await?;
    let view = View::at(ctx, as_of).await?;
    try_join_all(ids.iter().map(|id| find(ctx, &view, until, id))).await
}

async fn find(
    ctx: &Context<'_>,
    view: &View,
    until: Option<Position>,
    id: &ID,
) -> Result<Option<Node>> {
    match GlobalId::decode(id) {
        None => Ok(None),
        Some(GlobalId::Event(position)) if until.is_some_and(|until| position > until) => Ok(None),
        Some(GlobalId::Event(position)) => {
            let event = event::loaders::at(ctx, position).await?;
            Ok(event.map(|event| Node::Event(Event(event))))
        }
        Some(GlobalId::Run(key)) => {
            let run = run::query::by_key(ctx, key).await?;
            Ok(run.map(Node::Run))
        }
        Some(GlobalId::Job(id)) => Ok(job::query::find(ctx, id).map(Node::Job)),
        Some(id) => row(view, id).await,
    }
}

/// The row with that id as its node; events, runs and jobs are no rows.
pub(crate) async fn row(view: &View, id: GlobalId) -> Result<Option<Node>> {
    Ok(match id {
        GlobalId::Organization(name) => {
            let found = view.find(name, Organization).await.transpose()?;
            found.map(Node::Organization)
        }
        GlobalId::Algorithm(id) => {
            let found = view.find(id, Algorithm).await.transpose()?;
            found.map(Node::Algorithm)
        }
        GlobalId::Version(algorithm, version) => {
            let found = Version::in_view(view, &algorithm, &version).await?;
            found.map(Node::Version)
        }
        GlobalId::Broker(id) => {
            let found = view.find(id, Broker).await.transpose()?;
            found.map(Node::Broker)
        }
        GlobalId::Topic(id) => {
            let found = view.find(Listed(id), Topic::of_row).await.transpose()?;
            found.map(Node::Topic)
        }
        GlobalId::Grant(key) => {
            let found = view.find(key, Grant).await.transpose()?;
            found.map(Node::Grant)
        }
        GlobalId::Listener(id) => {
            let found = view.find(id, Listener).await.transpose()?;
            found.map(Node::Listener)
        }
        GlobalId::Publisher(id) => {
            let found = view.find(id, Publisher).await.transpose()?;
            found.map(Node::Publisher)
        }
        GlobalId::Worker(id) => {
            let found = view.find(id, Worker::of_row).await.transpose()?;
            found.map(Node::Worker)
        }
        GlobalId::Run(_) | GlobalId::Event(_) | GlobalId::Job(_) => None,
    })
}
