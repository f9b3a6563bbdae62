//! Reading topics.

use async_graphql::connection::Connection;
use async_graphql::{Context, Result};
use domain::ConnectionId;

use super::Topic;
use crate::control::control;
use crate::error::read_failure;
use crate::paging::{self, Cursor, paging};

pub(crate) async fn topics_of(
    ctx: &Context<'_>,
    connection: ConnectionId,
    search: Option<&str>,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Topic>> {
    let paging = paging(first, after.as_deref())?;
    let page = control(ctx).model.topics(connection, search, &paging).await;
    let page = page.map_err(|cause| read_failure(&cause))?;
    Ok(paging::connection(
        page,
        &paging,
        |row| row.id.topic.to_string(),
        Topic,
    ))
}
