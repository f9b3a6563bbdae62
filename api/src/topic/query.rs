//! Reading topics.

use async_graphql::Result;
use async_graphql::connection::Connection;
use domain::ConnectionId;

use super::Topic;
use crate::paging::{Cursor, paging};
use crate::view::View;

pub(crate) async fn topics_of(
    view: &View,
    connection: ConnectionId,
    search: Option<&str>,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Topic>> {
    let paging = paging(first, after.as_deref())?;
    let page = view.model().topics(connection, search, &paging).await;
    view.connection(page, &paging, |row| row.id.topic.to_string(), Topic)
}
