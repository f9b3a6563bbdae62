//! Reading runs and ledgers.

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, Result};
use uuid::Uuid;

use super::{Ledger, Run, RunRecord};
use crate::control::control;
use crate::error::{Code, fault};
use crate::paging::{self, Cursor, limit};

pub(crate) async fn runs(
    ctx: &Context<'_>,
    group: Uuid,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Cursor, Run>> {
    let wanted = limit(first)? as usize;
    let from = paging::after(after.as_deref())?;
    let rows = control(ctx)
        .runs
        .runs(group, from.as_deref(), limit(first)? + 1)
        .await;
    let mut rows: Vec<RunRecord> = rows.map_err(|cause| fault(Code::Unavailable, &cause))?;
    let mut runs = Connection::new(from.is_some(), rows.len() > wanted);
    rows.truncate(wanted);
    runs.edges = rows
        .into_iter()
        .map(|row| Edge::new(Cursor(row.key.clone()), Run(row)))
        .collect();
    Ok(runs)
}

pub(crate) async fn ledger(ctx: &Context<'_>, group: Uuid) -> Result<Ledger> {
    let ledger = control(ctx).runs.ledger(group).await;
    ledger
        .map(Into::into)
        .map_err(|cause| fault(Code::Unavailable, &cause))
}
