//! Lists of runs, which are searched rather than read.

use async_graphql::connection::{CursorType, Edge, EmptyFields, PageInfo};
use async_graphql::{Context, Object, Result};
use domain::run::{End, Owner, RunFilter, RunList, RunPage};

use super::query::page_of;
use super::{Run, RunFilterInput};
use crate::error::invalid;
use crate::list::Bounds;
use crate::paging::{self, Cursor, limit};

/// Whose runs are listed.
pub(crate) enum RunsOf {
    All,
    One(Owner),
}

impl RunsOf {
    /// A part of the list.
    pub(crate) async fn list(
        self,
        ctx: &Context<'_>,
        filter: Option<RunFilterInput>,
        bounds: Bounds,
    ) -> Result<RunConnection> {
        let filter = filter.unwrap_or_default();
        let filter = match self {
            Self::All => filter.read(ctx).await?,
            Self::One(owner) => filter.read_of(owner)?,
        };
        RunConnection::read(ctx, filter, bounds).await
    }
}

pub(crate) struct RunConnection {
    page: RunPage,
    found: RunList,
    /// Whether there are more in the direction of reading.
    has_more: bool,
}

impl RunConnection {
    async fn read(ctx: &Context<'_>, filter: RunFilter, bounds: Bounds) -> Result<Self> {
        let wanted = limit(bounds.first, bounds.last)?;
        let page = RunPage {
            filter,
            above: number("before", bounds.before.as_deref())?,
            below: number("after", bounds.after.as_deref())?,
            end: match bounds.last {
                None => End::Newest,
                Some(_) => End::Oldest,
            },
            limit: wanted + 1,
        };
        let mut found = page_of(ctx, page.clone()).await?;
        let has_more = found.runs.len() > wanted as usize;
        if has_more && page.end == End::Newest {
            found.runs.truncate(wanted as usize);
        } else if has_more {
            found.runs.drain(..found.runs.len() - wanted as usize);
        }
        Ok(Self {
            page,
            has_more: has_more || found.seen_to.is_some(),
            found,
        })
    }
}

/// The number that a cursor holds.
fn number(argument: &'static str, cursor: Option<&str>) -> Result<Option<i64>> {
    let number = paging::number(cursor);
    number.map_err(|_| invalid(format!("{argument} is not a cursor of this list")))
}

/// Part of a list of runs, the newest first.
#[Object]
impl RunConnection {
    /// Information to aid in pagination. Of a page that `incomplete` says is one, it tells how far the
    /// search has come: the end cursor may be that of a run that is not listed.
    async fn page_info(&self) -> PageInfo {
        let cursor = |number: i64| Cursor(number.to_string()).encode_cursor();
        let numbers = || self.found.runs.iter().map(|run| run.number);
        let (mut start, mut end) = (numbers().next(), numbers().next_back());
        let (newer, older) = match self.page.end {
            End::Newest => {
                end = self.found.seen_to.or(end);
                (self.page.below.is_some(), self.has_more)
            }
            End::Oldest => {
                start = self.found.seen_to.or(start);
                (self.has_more, self.page.above.is_some())
            }
        };
        PageInfo {
            has_previous_page: newer,
            has_next_page: older,
            start_cursor: start.map(cursor),
            end_cursor: end.map(cursor),
        }
    }

    /// A list of edges.
    async fn edges(&self) -> Vec<Edge<Cursor, Run, EmptyFields>> {
        let runs = self.found.runs.iter();
        runs.map(|run| Edge::new(Cursor(run.number.to_string()), Run(run.clone())))
            .collect()
    }

    /// A list of nodes.
    async fn nodes(&self) -> Vec<Run> {
        self.found.runs.iter().cloned().map(Run).collect()
    }

    /// Whether the search ended before the page was full, because it had looked at as many runs as one
    /// request may. The next page continues it.
    async fn incomplete(&self) -> bool {
        self.found.seen_to.is_some()
    }
}
