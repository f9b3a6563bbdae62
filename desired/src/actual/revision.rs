//! The revisions at which a cluster was read, so that nobody's change is overwritten unseen.

use std::collections::BTreeMap;

use client::{Client, ClientError};
use serde::Deserialize;
use serde_json::json;

const HISTORY: &str = include_str!("history.graphql");

/// How far the stream of each thing has been read.
pub(crate) struct Revisions {
    /// The position for whatever is not in `seen`.
    as_of: u64,
    seen: BTreeMap<String, Seen>,
}

struct Seen {
    as_of: u64,
    /// Of the last event that was read, which is at or before `as_of`.
    revision: Option<u64>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    history: History,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct History {
    edges: Vec<Edge>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
struct Edge {
    cursor: String,
    node: Node,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    position: String,
    stream_revision: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
}

impl Revisions {
    /// The revisions of all streams at one position.
    pub(crate) fn as_of(position: u64) -> Self {
        Self {
            as_of: position,
            seen: BTreeMap::new(),
        }
    }

    /// Notes a change of our own, which nobody else's preceded.
    pub(crate) fn moved(&mut self, id: &str, position: u64) {
        self.seen(id).as_of = position;
    }

    /// The revision of the stream of `id` as it was last seen; none if it was empty then.
    ///
    /// # Errors
    /// There is no answer.
    pub(crate) async fn of(
        &mut self,
        client: &Client,
        id: &str,
    ) -> Result<Option<u64>, ClientError> {
        let seen = self.seen(id);
        loop {
            let variables = json!({ "id": id, "after": seen.cursor });
            let Answer { history } = client.ask(HISTORY, &variables).await?;
            let more = history.page_info.has_next_page && !history.edges.is_empty();
            for Edge { cursor, node } in history.edges {
                if node
                    .position
                    .parse::<u64>()
                    .is_ok_and(|position| position > seen.as_of)
                {
                    return Ok(seen.revision);
                }
                seen.revision = node.stream_revision.parse().ok();
                seen.cursor = Some(cursor);
            }
            if !more {
                return Ok(seen.revision);
            }
        }
    }

    fn seen(&mut self, id: &str) -> &mut Seen {
        let as_of = self.as_of;
        self.seen.entry(id.to_owned()).or_insert(Seen {
            as_of,
            revision: None,
            cursor: None,
        })
    }
}
