//! Lists of the API, page by page.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::client::{Client, ClientError};

/// How much of a list is asked for at once.
const FIRST: u32 = 100;

/// What every list is asked for beside its nodes.
pub(super) const PAGE: &str = "pageInfo { hasNextPage endCursor }";

#[derive(Deserialize)]
struct Root<T> {
    list: Option<Page<T>>,
    node: Option<Node<T>>,
}

#[derive(Deserialize)]
struct Node<T> {
    list: Option<Page<T>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    nodes: Vec<T>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

/// All nodes of the list that `document` calls `list`, be it of the root or of a node, of all of its
/// pages, `$first` long and behind `$after`. Where a page makes too long an answer, as that of
/// algorithms with hundreds of versions, shorter ones are asked for.
///
/// # Errors
/// The server does not answer.
pub(super) async fn all<T: DeserializeOwned>(
    client: &Client,
    document: &str,
    mut variables: Value,
) -> Result<Vec<T>, ClientError> {
    let mut found = Vec::new();
    let mut first = FIRST;
    loop {
        variables["first"] = json!(first);
        let root: Root<T> = match client.ask(document, &variables).await {
            Err(error) if error.is_too_complex() && first > 1 => {
                first = (first / 4).max(1);
                continue;
            }
            root => root?,
        };
        let page = root.list.or_else(|| root.node.and_then(|node| node.list));
        // What is gone meanwhile has nothing.
        let Some(page) = page else { return Ok(found) };
        // A list that grows nowhere would never end.
        let more = page.page_info.has_next_page && !page.nodes.is_empty();
        found.extend(page.nodes);
        if !more {
            return Ok(found);
        }
        variables["after"] = json!(page.page_info.end_cursor);
    }
}
