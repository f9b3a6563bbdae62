//! The part of a list's keys that a connection or a topic has.
//!
//! Keys of grants, listeners and publishers begin `connection/topic|`, so what belongs to one of
//! them stands together in the order of keys, and no other index is needed for it.

use domain::{ConnectionId, TopicId};

use crate::page::Paging;

/// Where a page of a list begins and where the list ends, both exclusive.
pub(crate) struct KeyRange {
    pub(crate) after: String,
    pub(crate) before: Option<String>,
}

impl KeyRange {
    /// The keys of a topic, or else of a connection, or else all, from where `paging` says.
    pub(crate) fn new(
        connection: Option<ConnectionId>,
        topic: Option<&TopicId>,
        paging: &Paging,
    ) -> Self {
        // The second of each is the sign that follows on the last of the first.
        let (first, before) = match (topic, connection) {
            (Some(topic), _) => (format!("{topic}|"), Some(format!("{topic}}}"))),
            (None, Some(connection)) => (format!("{connection}/"), Some(format!("{connection}0"))),
            (None, None) => (String::new(), None),
        };
        Self {
            after: first.max(paging.after.clone()),
            before,
        }
    }
}
