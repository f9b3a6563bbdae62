//! Pages by keyset: after a key, in the order of the keys.

use std::future::Future;

/// Which part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// The key of the row before the first one wanted; empty for the start of the list.
    pub after: String,
    /// How many rows at most; the caller bounds it.
    pub limit: u32,
}

/// Rows of a list, and whether more follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub more: bool,
}

impl Paging {
    /// Asks `query` for one row more than wanted, to know whether more follow. The limit that
    /// `query` is given is never negative.
    pub(crate) async fn take<T, E, F>(&self, query: impl FnOnce(i64) -> F) -> Result<Page<T>, E>
    where
        F: Future<Output = Result<Vec<T>, E>>,
    {
        let wanted = self.limit as usize;
        let mut rows = query(i64::from(self.limit) + 1).await?;
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        Ok(Page { rows, more })
    }
}
