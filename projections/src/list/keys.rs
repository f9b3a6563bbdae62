//! The part of a list's keys that a broker or a topic has.
//!
//! Keys of grants, listeners and publishers begin `broker/topic|`, so what belongs to one of
//! them is together in the order of keys, and no other index is needed for it.

use domain::{BrokerId, TopicId};

/// Keys between two others, both exclusive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRange {
    pub(crate) after: Option<String>,
    pub(crate) before: Option<String>,
}

impl KeyRange {
    /// The keys of a topic, or else of a broker, or else all.
    pub(crate) fn of(broker: Option<BrokerId>, topic: Option<&TopicId>) -> Self {
        // The second of each is the sign that follows on the last of the first.
        match (topic, broker) {
            (Some(topic), _) => Self {
                after: Some(format!("{topic}|")),
                before: Some(format!("{topic}}}")),
            },
            (None, Some(broker)) => Self {
                after: Some(format!("{broker}/")),
                before: Some(format!("{broker}0")),
            },
            (None, None) => Self::default(),
        }
    }

    /// Leaves out `key` and all that are smaller. Of two bounds in a statement a database may use
    /// either for its search, so there is but one.
    pub(crate) fn begin_after(&mut self, key: &str) {
        if self.after.as_deref().is_none_or(|after| after < key) {
            self.after = Some(key.to_owned());
        }
    }

    /// Leaves out `key` and all that are greater.
    pub(crate) fn end_before(&mut self, key: &str) {
        if self.before.as_deref().is_none_or(|before| before > key) {
            self.before = Some(key.to_owned());
        }
    }
}
