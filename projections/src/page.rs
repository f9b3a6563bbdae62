//! Pages by keyset: after a key, in the order of the keys.

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
