//! Recording the topics of a broker.

use super::{Broker, DiscoveredTopic, TopicsChanged};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::BrokerId;
use crate::refusal::Refusal;

/// Record the topics that a worker found, as many differences as fit one append: if
/// [`DiscoverTopics::fits`] says that there are more, execute it again. Nothing happens if they are
/// the known ones.
#[derive(Clone, Debug)]
pub struct DiscoverTopics {
    pub broker: BrokerId,
    /// The topics, or why the worker found nothing.
    pub probe: Result<Vec<DiscoveredTopic>, String>,
}

impl DiscoverTopics {
    /// Whether one append takes all that is new.
    #[must_use]
    pub fn fits(&self, state: &Broker) -> bool {
        let Ok(topics) = &self.probe else { return true };
        let changes = TopicsChanged::between(self.broker, &state.topics, topics);
        changes.len() <= TopicsChanged::MOST_OF_AN_APPEND
    }
}

impl Command for DiscoverTopics {
    type State = Broker;

    fn stream(&self) -> StreamName {
        StreamName::broker(self.broker)
    }

    fn requires(&self) -> Right {
        Right::AdministerCluster
    }

    fn decide(&self, state: &Broker, _ctx: Ctx) -> Decided {
        state.check_connected()?;
        let topics = match &self.probe {
            Ok(topics) => topics,
            Err(reason) => return Err(Refusal::BrokerUnreachable(reason.clone())),
        };
        let mut changes = TopicsChanged::between(self.broker, &state.topics, topics);
        changes.truncate(TopicsChanged::MOST_OF_AN_APPEND);
        Ok(changes.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::State;
    use crate::event::Event;
    use crate::testing::{broker_connected, broker_id, discovered, given, topics_gained};

    fn discover(topics: &[&str]) -> DiscoverTopics {
        DiscoverTopics {
            broker: broker_id("main"),
            probe: Ok(discovered(topics)),
        }
    }

    #[test]
    fn what_is_different_is_recorded_in_order() {
        let mut found = discover(&["d", "b", "c"]);
        if let Ok(topics) = &mut found.probe {
            topics[1].partitions = Some(7);
        }
        let changed = TopicsChanged {
            broker: broker_id("main"),
            gained: discovered(&["c", "d"]),
            lost: vec!["a".parse().unwrap()],
            changed: found.probe.as_ref().unwrap()[1..2].to_vec(),
        };
        given([broker_connected("main"), topics_gained("main", &["a", "b"])])
            .when(found)
            .then([Event::from(changed)]);
    }

    #[test]
    fn the_known_topics_are_no_news() {
        given([broker_connected("main"), topics_gained("main", &["a", "b"])])
            .when(discover(&["b", "a", "b"]))
            .then([]);
    }

    #[test]
    fn any_number_of_topics_is_recorded_in_events_and_appends_of_bounded_size() {
        let names: Vec<String> = (0..20_000).map(|n| format!("{n:0>200}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = discover(&names);
        let mut broker = Broker::default();
        broker.apply(&broker_connected("main"));
        let ctx = Ctx {
            now: jiff::Timestamp::UNIX_EPOCH,
        };
        let mut appends = 0;
        loop {
            let fits = found.fits(&broker);
            let events = found.decide(&broker, ctx).unwrap();
            assert!(events.len() <= TopicsChanged::MOST_OF_AN_APPEND);
            for event in &events {
                let bytes = event.to_json().unwrap().len();
                assert!(bytes <= TopicsChanged::MOST_BYTES, "{bytes}");
                broker.apply(event);
            }
            appends += 1;
            if fits {
                break;
            }
        }
        assert_eq!(broker.topics.len(), names.len());
        assert!(appends > 3, "{appends}");
        assert_eq!(found.decide(&broker, ctx), Ok(vec![]));
    }

    #[test]
    fn a_broker_that_has_ended_is_refused() {
        given([])
            .when(discover(&["a"]))
            .then_refused(Refusal::BrokerGone);
    }

    #[test]
    fn an_unreachable_broker_is_refused_with_the_reason() {
        let failed = DiscoverTopics {
            probe: Err("timed out".to_owned()),
            ..discover(&[])
        };
        given([broker_connected("main")])
            .when(failed)
            .then_refused(Refusal::BrokerUnreachable("timed out".to_owned()));
    }
}
