//! What an expression is evaluated on.

use bytes::Bytes;

/// A message.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// None where it has none, as a tombstone.
    pub body: Option<&'a Bytes>,
    pub key: Option<&'a Bytes>,
    /// Of those with one name, whatever its case, the last counts.
    pub headers: &'a [(String, Option<Bytes>)],
}

/// What an endpoint answered.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    pub status: u16,
    /// Whether the bytes are compressed or the like, and so no JSON.
    pub is_encoded: bool,
    pub body: &'a Bytes,
}

impl Message<'_> {
    /// The bytes that an expression may read.
    pub(crate) fn size(&self) -> usize {
        let header = |(name, value): &(String, Option<Bytes>)| {
            name.len() + value.as_ref().map_or(0, Bytes::len)
        };
        self.body.map_or(0, Bytes::len)
            + self.key.map_or(0, Bytes::len)
            + self.headers.iter().map(header).sum::<usize>()
    }
}
