//! The part of a list's keys that brokers or topics have.
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
    /// The keys of those brokers, and of others between them; all where there are none.
    pub(crate) fn of_brokers<'b>(brokers: impl Iterator<Item = &'b BrokerId>) -> Self {
        // The second of each is the sign that follows on the last of the first.
        Self::over(brokers.map(|broker| (format!("{broker}/"), format!("{broker}0"))))
    }

    /// The keys of those topics, and of others between them; all where there are none.
    pub(crate) fn of_topics<'t>(topics: impl Iterator<Item = &'t TopicId>) -> Self {
        Self::over(topics.map(|topic| (format!("{topic}|"), format!("{topic}}}"))))
    }

    /// From the first of the starts to the last of the ends.
    fn over(ranges: impl Iterator<Item = (String, String)>) -> Self {
        let (starts, ends): (Vec<_>, Vec<_>) = ranges.unzip();
        Self {
            after: starts.into_iter().min(),
            before: ends.into_iter().max(),
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
