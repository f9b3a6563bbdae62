//! What this server is and takes.

use async_graphql::{Enum, Object, SimpleObject};

use crate::limits;
use crate::node::MOST_NODES;
use crate::paging;

/// The version, features and limits of this server.
#[derive(SimpleObject)]
pub struct ServerInfo {
    /// Its version.
    pub version: &'static str,
    /// The most that a request may ask for.
    pub limits: RequestLimits,
    /// What it supports that not every server does.
    pub features: Vec<ServerFeature>,
}

/// The most that a request may ask for. A request that asks for more is refused with `TOO_COMPLEX`
/// or `INVALID_ARGUMENT` before any of it is executed.
#[derive(SimpleObject)]
pub struct RequestLimits {
    /// The largest `first` or `last` of a list.
    pub page: u32,
    /// The most ids that `nodes` takes.
    pub nodes: usize,
    /// The most fields, each counted wherever a fragment puts it.
    pub fields: usize,
    /// The most levels of fields.
    pub depth: usize,
    /// The most fields at the top of an operation.
    pub root_fields: usize,
    /// The most aliases.
    pub aliases: usize,
    /// The most values that an answer may have, counting every list at its maximum length.
    pub values: u64,
    /// The longest answer, in bytes.
    pub answer_bytes: usize,
}

/// Something that a server may support. Features are added over time: keep a branch for unknown
/// ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ServerFeature {
    /// Apache Kafka clusters can be connected.
    Kafka,
    /// Algorithms can be called directly, at `/v1/algo`.
    DirectRuns,
    /// Queries take `asOf`.
    AsOf,
}

#[derive(Default)]
pub struct ServerInfoQuery;

#[Object]
impl ServerInfoQuery {
    /// The version, features and limits of this server.
    async fn server_info(&self) -> ServerInfo {
        ServerInfo {
            version: env!("CARGO_PKG_VERSION"),
            limits: RequestLimits {
                page: paging::MOST,
                nodes: MOST_NODES,
                fields: limits::MOST_SELECTIONS,
                depth: limits::DEEPEST,
                root_fields: limits::MOST_ROOTS,
                aliases: limits::MOST_ALIASES,
                values: limits::MOST_COSTLY,
                answer_bytes: limits::LONGEST_ANSWER,
            },
            features: vec![
                ServerFeature::Kafka,
                ServerFeature::DirectRuns,
                ServerFeature::AsOf,
            ],
        }
    }
}
