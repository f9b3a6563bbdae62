//! Finding things by a part of their name.

use async_graphql::{Context, Object, Result};

use crate::as_of::AsOf;
use crate::error::{invalid, read_failure};
use crate::id::GlobalId;
use crate::node::{self, Node};
use crate::view::View;

/// The longest text that is searched for, in bytes.
const LONGEST_TEXT: usize = 300;

/// How many matches there are unless `first` says so, and at most.
const MATCHES: i32 = 20;
const MOST_MATCHES: i32 = 50;

pub struct Match {
    name: String,
    id: GlobalId,
    view: View,
}

/// Something that was found by its name.
#[Object(name = "SearchMatch")]
impl Match {
    /// The name that it was found by; `organization/name` of an algorithm.
    async fn name(&self) -> &str {
        &self.name
    }

    /// What was found: an organization, an algorithm, a broker or a topic.
    async fn node(&self) -> Option<Result<Node>> {
        node::row(&self.view, self.id.clone()).await.transpose()
    }
}

#[derive(Default)]
pub struct SearchQuery;

#[Object]
impl SearchQuery {
    /// Organizations, algorithms, connected brokers and topics whose name contains the text,
    /// ignoring case. Exact matches come first, then names that begin with the text. `first` is 20
    /// by default, and at most 50.
    async fn search(
        &self,
        ctx: &Context<'_>,
        text: String,
        first: Option<i32>,
        as_of: Option<AsOf>,
    ) -> Option<Result<Vec<Match>>> {
        Some(search(ctx, text, first.unwrap_or(MATCHES), as_of).await)
    }
}

async fn search(
    ctx: &Context<'_>,
    text: String,
    first: i32,
    as_of: Option<AsOf>,
) -> Result<Vec<Match>> {
    if text.is_empty() || text.len() > LONGEST_TEXT {
        return Err(invalid("text must have 1 to 300 bytes"));
    }
    if !(1..=MOST_MATCHES).contains(&first) {
        return Err(invalid("first must be 1 to 50"));
    }
    let view = View::at(ctx, as_of).await?;
    let found = view.model().search(&text, first.unsigned_abs()).await;
    let found = found.map_err(|cause| read_failure(&cause))?.into_iter();
    Ok(found
        .map(|found| Match {
            name: found.name,
            id: GlobalId::of(found.thing),
            view: view.clone(),
        })
        .collect())
}
