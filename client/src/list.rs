//! Lists of the API, read page by page.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::ClientError;
use crate::request::Client;

/// How much of a list is asked for at once.
const PAGE: u32 = 100;

/// The most entries of one list.
const MAX_ENTRIES: usize = 1_000_000;

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

impl Client {
    /// All nodes of a list. `document` takes `$first` and `$after`, and names the list `list`, at
    /// the root or in `node`. Where a page would be too long an answer, as one of algorithms with
    /// hundreds of versions, shorter pages are asked for. A node that does not exist has an empty
    /// list.
    ///
    /// # Errors
    /// There is no answer, or there are too many entries.
    pub async fn list<T: DeserializeOwned>(
        &self,
        document: &str,
        mut variables: Value,
    ) -> Result<Vec<T>, ClientError> {
        let mut found = Vec::new();
        let mut first = PAGE;
        loop {
            variables["first"] = json!(first);
            let root: Root<T> = match self.ask(document, &variables).await {
                Err(error) if error.is_too_complex() && first > 1 => {
                    first = (first / 4).max(1);
                    continue;
                }
                answered => answered?,
            };
            let page = root.list.or_else(|| root.node.and_then(|node| node.list));
            let Some(page) = page else { return Ok(found) };
            // A page without nodes ends the list, or it might never end.
            let more = page.page_info.has_next_page && !page.nodes.is_empty();
            found.extend(page.nodes);
            if found.len() > MAX_ENTRIES {
                return Err(ClientError::ListTooLong(MAX_ENTRIES));
            }
            if !more {
                return Ok(found);
            }
            variables["after"] = json!(page.page_info.end_cursor);
        }
    }
}
