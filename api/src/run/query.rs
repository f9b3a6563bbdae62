//! Reading runs and ledgers.

use async_graphql::connection::Connection;
use async_graphql::{Context, Result};
use projections::Page;
use uuid::Uuid;

use super::{Ledger, Run, RunRecord};
use crate::control::control;
use crate::error::{Code, fault};
use crate::paging::{self, Cursor, paging};

pub(crate) async fn runs(
    ctx: &Context<'_>,
    group: Uuid,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Run>> {
    let paging = paging(first, after.as_deref())?;
    let from = (!paging.after.is_empty()).then_some(paging.after.as_str());
    let rows = control(ctx).runs.runs(group, from, paging.limit + 1).await;
    let mut rows: Vec<RunRecord> = rows.map_err(|cause| fault(Code::Unavailable, &cause))?;
    let more = rows.len() > paging.limit as usize;
    rows.truncate(paging.limit as usize);
    let page = Page { rows, more };
    Ok(paging::connection(
        page,
        &paging,
        |row| row.key.clone(),
        Run,
    ))
}

pub(crate) async fn ledger(ctx: &Context<'_>, group: Uuid) -> Result<Ledger> {
    let ledger = control(ctx).runs.ledger(group).await;
    ledger
        .map(Into::into)
        .map_err(|cause| fault(Code::Unavailable, &cause))
}
