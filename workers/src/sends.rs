//! What is being written to topics: a change that forbids some of it waits for that to end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{AlgorithmId, Assignment, TopicId, Version};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// The messages that a worker is writing. One is noted before it is looked up where it may go, so
/// that whatever was looked up before a change is known when the change comes.
#[derive(Default)]
pub(crate) struct Sends {
    state: Mutex<State>,
    ended: Notify,
}

#[derive(Default)]
struct State {
    /// The number of the next one.
    next: u64,
    under_way: BTreeMap<u64, UnderWay>,
}

/// A message that is being written.
#[derive(Clone)]
pub(crate) struct UnderWay {
    pub(crate) right: Right,
    /// Where it goes; none while that is looked up.
    pub(crate) topics: Option<Vec<TopicId>>,
}

/// By what right it may be written.
#[derive(Clone)]
pub(crate) enum Right {
    /// A result, by the publishers of its version.
    Publishers(Arc<AlgorithmId>, Version),
    /// A dead letter, by the assignment of its listener, unless that is withdrawn.
    Listener(watch::Receiver<Arc<Assignment>>, CancellationToken),
}

/// Notes that a message is being written, until it is dropped.
pub(crate) struct Sending<'a> {
    sends: &'a Sends,
    number: u64,
}

/// A moment between the beginnings of messages.
#[derive(Clone, Copy)]
pub(crate) struct Mark(u64);

impl Sends {
    /// A message is about to be written: where it may go is looked up after this.
    pub(crate) fn begin(&self, right: Right) -> Sending<'_> {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        let topics = None;
        state.under_way.insert(number, UnderWay { right, topics });
        Sending {
            sends: self,
            number,
        }
    }

    /// This moment.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.state().next)
    }

    /// What was begun before that moment and has not ended.
    pub(crate) fn begun_before(&self, mark: Mark) -> Vec<UnderWay> {
        let state = self.state();
        let begun = state.under_way.range(..mark.0);
        begun.map(|(_, under_way)| under_way.clone()).collect()
    }

    /// Tells when one has ended.
    pub(crate) fn ended(&self) -> &Notify {
        &self.ended
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sending<'_> {
    /// It goes to these topics.
    pub(crate) fn to(&self, topics: impl IntoIterator<Item = TopicId>) {
        let topics = topics.into_iter().collect();
        if let Some(under_way) = self.sends.state().under_way.get_mut(&self.number) {
            under_way.topics = Some(topics);
        }
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.sends.state().under_way.remove(&self.number);
        self.sends.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use domain::testing::{score, topic_id};

    use super::*;

    #[test]
    fn what_was_begun_before_a_moment_is_known_until_it_ends() {
        let sends = Sends::default();
        let right = || Right::Publishers(Arc::new(score()), "1.0.0".parse().unwrap());
        let one = sends.begin(right());
        let mark = sends.mark();
        let other = sends.begin(right());
        assert_eq!(sends.begun_before(mark).len(), 1);
        assert_eq!(sends.begun_before(mark)[0].topics, None);
        one.to([topic_id("scores")]);
        let known = sends.begun_before(mark).remove(0);
        assert_eq!(known.topics, Some(vec![topic_id("scores")]));
        drop(one);
        assert!(sends.begun_before(mark).is_empty());
        drop(other);
    }
}
