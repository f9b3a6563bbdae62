//! Lanes: messages that are handled one after the other, each once the one before it has ended.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use brokers::{Identity, Message};
use bytes::Bytes;
use domain::listener::MessageOrdering;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

/// The lanes of one consumer that are in use.
#[derive(Clone, Debug)]
pub(crate) struct Lanes {
    ordering: MessageOrdering,
    ends: Arc<Mutex<Ends>>,
}

/// The end of each lane in use.
#[derive(Debug, Default)]
struct Ends {
    last: HashMap<Lane, End>,
    /// Messages that have been put into a lane.
    joined: u64,
}

/// The last message of a lane.
#[derive(Debug)]
struct End {
    number: u64,
    passes: oneshot::Receiver<()>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Lane {
    Partition(i32),
    Key(i32, Bytes),
}

/// A message's turn in its lane.
///
/// It ends by [`Turn::pass`]. One that is dropped instead holds those behind it: its message has not
/// ended, and comes again before them.
#[derive(Debug)]
pub(crate) struct Turn {
    ahead: Ahead,
    place: Option<Place>,
}

#[derive(Debug)]
enum Ahead {
    Nobody,
    /// Resolves when the one ahead passes.
    Somebody(oneshot::Receiver<()>),
    /// The one ahead was dropped.
    Held,
}

#[derive(Debug)]
struct Place {
    lanes: Lanes,
    lane: Lane,
    number: u64,
    pass: oneshot::Sender<()>,
}

/// The message ahead has not ended, and will not.
#[derive(Debug)]
pub(crate) struct Held;

impl Lanes {
    pub(crate) fn new(ordering: MessageOrdering) -> Self {
        Self {
            ordering,
            ends: Arc::default(),
        }
    }

    /// Puts a message at the end of its lane. Messages are to be put there as they were received.
    pub(crate) fn join(&self, message: &Message) -> Turn {
        let Some(lane) = self.lane(message) else {
            return Turn {
                ahead: Ahead::Nobody,
                place: None,
            };
        };
        let (pass, passes) = oneshot::channel();
        let mut ends = self.ends();
        ends.joined += 1;
        let number = ends.joined;
        let ahead = ends.last.insert(lane.clone(), End { number, passes });
        Turn {
            ahead: ahead.map_or(Ahead::Nobody, |end| Ahead::Somebody(end.passes)),
            place: Some(Place {
                lanes: self.clone(),
                lane,
                number,
                pass,
            }),
        }
    }

    fn lane(&self, message: &Message) -> Option<Lane> {
        let Identity::Kafka { partition, .. } = message.identity;
        match self.ordering {
            MessageOrdering::None => None,
            MessageOrdering::Partition => Some(Lane::Partition(partition)),
            MessageOrdering::Key => Some(Lane::Key(partition, message.key.clone()?)),
        }
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Whether nobody is ahead any more.
    pub(crate) fn has_come(&mut self) -> bool {
        if let Ahead::Somebody(ahead) = &mut self.ahead {
            match ahead.try_recv() {
                Ok(()) => self.ahead = Ahead::Nobody,
                Err(TryRecvError::Closed) => self.ahead = Ahead::Held,
                Err(TryRecvError::Empty) => {}
            }
        }
        matches!(self.ahead, Ahead::Nobody)
    }

    /// Waits until nobody is ahead.
    pub(crate) async fn come(&mut self) -> Result<(), Held> {
        if let Ahead::Somebody(ahead) = &mut self.ahead {
            let passed = ahead.await;
            self.ahead = passed.map_or(Ahead::Held, |()| Ahead::Nobody);
        }
        match self.ahead {
            Ahead::Nobody => Ok(()),
            Ahead::Somebody(_) | Ahead::Held => Err(Held),
        }
    }

    /// Lets the next one go.
    pub(crate) fn pass(self) {
        let Some(place) = self.place else {
            return;
        };
        let mut ends = place.lanes.ends();
        if let Entry::Occupied(end) = ends.last.entry(place.lane)
            && end.get().number == place.number
        {
            end.remove();
        }
        drop(ends);
        // It fails if nobody is behind.
        let _ = place.pass.send(());
    }
}

#[cfg(test)]
mod tests {
    use brokers::Metadata;
    use futures_util::FutureExt;

    use super::*;

    fn message(partition: i32, key: Option<&'static str>) -> Message {
        Message {
            identity: Identity::Kafka {
                topic: "orders".into(),
                partition,
                offset: 0,
            },
            key: key.map(|key| Bytes::from_static(key.as_bytes())),
            headers: Vec::new(),
            metadata: Metadata::default(),
            body: None,
            timestamp: None,
            attempt: None,
        }
    }

    /// Whether a message that comes next may go, with its turn.
    fn join(lanes: &Lanes, partition: i32, key: Option<&'static str>) -> (bool, Turn) {
        let mut turn = lanes.join(&message(partition, key));
        (turn.has_come(), turn)
    }

    #[test]
    fn messages_of_a_partition_go_one_after_the_other() {
        let lanes = Lanes::new(MessageOrdering::Partition);
        let (first_may, first) = join(&lanes, 0, Some("a"));
        let (second_may, mut second) = join(&lanes, 0, Some("b"));
        let (third_may, mut third) = join(&lanes, 0, None);
        let (other_may, _other) = join(&lanes, 1, Some("a"));
        assert_eq!(
            [first_may, second_may, third_may, other_may],
            [true, false, false, true]
        );
        first.pass();
        assert!(second.has_come());
        assert!(!third.has_come());
        second.pass();
        assert!(third.has_come());
    }

    #[test]
    fn messages_of_a_key_go_one_after_the_other_and_those_without_one_by_themselves() {
        let lanes = Lanes::new(MessageOrdering::Key);
        let (a, _first) = join(&lanes, 0, Some("a"));
        let (again, _second) = join(&lanes, 0, Some("a"));
        let (b, _third) = join(&lanes, 0, Some("b"));
        let (elsewhere, _fourth) = join(&lanes, 1, Some("a"));
        let (none, _fifth) = join(&lanes, 0, None);
        let (neither, _sixth) = join(&lanes, 0, None);
        assert_eq!(
            [a, again, b, elsewhere, none, neither],
            [true, false, true, true, true, true]
        );
    }

    #[test]
    fn without_an_order_nobody_waits() {
        let lanes = Lanes::new(MessageOrdering::None);
        let turns: Vec<_> = (0..3).map(|_| join(&lanes, 0, Some("a"))).collect();
        assert!(turns.iter().all(|(may, _)| *may));
    }

    #[test]
    fn a_message_that_has_not_ended_holds_those_behind_it() {
        let lanes = Lanes::new(MessageOrdering::Partition);
        let (_, first) = join(&lanes, 0, None);
        let (_, mut second) = join(&lanes, 0, None);
        drop(first);
        assert!(!second.has_come());
        assert!(matches!(second.come().now_or_never(), Some(Err(Held))));
    }

    #[test]
    fn a_lane_is_forgotten_when_its_last_message_has_passed() {
        let lanes = Lanes::new(MessageOrdering::Key);
        let (_, first) = join(&lanes, 0, Some("a"));
        let (_, second) = join(&lanes, 0, Some("a"));
        first.pass();
        assert_eq!(lanes.ends().last.len(), 1);
        second.pass();
        assert!(lanes.ends().last.is_empty());
    }
}
