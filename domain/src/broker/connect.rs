//! Connecting a broker.

use super::{Broker, BrokerConnected, BrokerSettings, DiscoveredTopic, Phase, TopicsChanged};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::event::Event;
use crate::ids::BrokerId;
use crate::name::BrokerName;
use crate::refusal::Refusal;

/// Connect a broker that a worker has looked at, with the topics that one append takes.
#[derive(Clone, Debug)]
pub struct ConnectBroker {
    /// Made of the name and a generation, see [`BrokerId::of_name`].
    pub broker: BrokerId,
    pub name: BrokerName,
    pub settings: BrokerSettings,
    /// What a worker found there: its topics, or why it found nothing.
    pub probe: Result<Vec<DiscoveredTopic>, String>,
}

impl Command for ConnectBroker {
    type State = Broker;

    fn stream(&self) -> StreamName {
        StreamName::broker(self.broker)
    }

    fn requires(&self) -> Right {
        Right::AdministerCluster
    }

    fn decide(&self, state: &Broker, _ctx: Ctx) -> Decided {
        if state.phase != Phase::New {
            return Err(Refusal::BrokerNameTaken(self.name.clone()));
        }
        self.settings.check()?;
        let topics = match &self.probe {
            Ok(topics) => topics,
            Err(reason) => return Err(Refusal::BrokerUnreachable(reason.clone())),
        };
        let connected = BrokerConnected {
            broker: self.broker,
            name: self.name.clone(),
            settings: self.settings.clone(),
        };
        let mut topics = TopicsChanged::between(self.broker, &state.topics, topics);
        topics.truncate(TopicsChanged::MOST_OF_AN_APPEND);
        let topics = topics.into_iter().map(Event::from);
        Ok([connected.into()].into_iter().chain(topics).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::KafkaSecurity;
    use crate::testing::{
        broker_connected, broker_disconnected, broker_id, discovered, given, kafka, topics_gained,
    };

    fn connect(probe: Result<Vec<DiscoveredTopic>, String>) -> ConnectBroker {
        ConnectBroker {
            broker: broker_id("main"),
            name: "main".parse().unwrap(),
            settings: kafka(),
            probe,
        }
    }

    #[test]
    fn a_reachable_broker_is_connected_with_its_topics() {
        given([])
            .when(connect(Ok(discovered(&["orders"]))))
            .then([broker_connected("main"), topics_gained("main", &["orders"])]);
    }

    #[test]
    fn an_unreachable_broker_is_refused_with_the_reason() {
        given([])
            .when(connect(Err("connection refused".to_owned())))
            .then_refused(Refusal::BrokerUnreachable("connection refused".to_owned()));
    }

    #[test]
    fn a_name_that_is_alive_is_taken() {
        given([broker_connected("main")])
            .when(connect(Ok(vec![])))
            .then_refused(Refusal::BrokerNameTaken("main".parse().unwrap()));
    }

    #[test]
    fn a_broker_that_is_gone_does_not_come_back_under_its_id() {
        given([broker_connected("main"), broker_disconnected("main")])
            .when(connect(Ok(vec![])))
            .then_refused(Refusal::BrokerNameTaken("main".parse().unwrap()));
    }

    #[test]
    fn settings_that_lead_nowhere_are_refused_by_field() {
        let mut nowhere = connect(Ok(vec![]));
        nowhere.settings = BrokerSettings::Kafka {
            bootstrap_servers: vec![],
            security: KafkaSecurity::Plaintext,
        };
        given([]).when(nowhere).then_refused(Refusal::OutOfRange {
            field: "settings.kafka.bootstrapServers",
            rule: "1 to 16 addresses of the form host:port",
        });
    }
}
