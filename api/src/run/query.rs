//! Reading runs and ledgers.

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, Result};
use uuid::Uuid;

use super::{Ledger, Run};
use crate::control::control;
use crate::error::{Code, fault, invalid};
use crate::paging::{self, Cursor, limit};

pub(crate) async fn runs(
    ctx: &Context<'_>,
    group: Uuid,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Run>> {
    let wanted = limit(first)? as usize;
    let from = paging::after(after.as_deref())?;
    let before = from.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| invalid("`after` is not a cursor of this list"))?;
    let rows = control(ctx).runs.runs(group, before, limit(first)? + 1);
    let mut rows = rows
        .await
        .map_err(|cause| fault(Code::Unavailable, &cause))?;
    let mut runs = Connection::new(before.is_some(), rows.len() > wanted);
    rows.truncate(wanted);
    runs.edges = rows
        .into_iter()
        .map(|row| Edge::new(Cursor(row.number.to_string()), Run(row)))
        .collect();
    Ok(runs)
}

pub(crate) async fn ledger(ctx: &Context<'_>, group: Uuid) -> Result<Ledger> {
    let ledger = control(ctx).runs.ledger(group).await;
    ledger
        .map(Into::into)
        .map_err(|cause| fault(Code::Unavailable, &cause))
}
