//! Connecting a broker.

use super::{
    BrokerConnected, BrokerSettings, Connection, DiscoveredTopic, Phase, TopicsDiscovered,
};
use crate::command::{Command, Ctx, Decision};
use crate::envelope::StreamName;
use crate::ids::ConnectionId;
use crate::name::ConnectionName;
use crate::refusal::Refusal;

/// The most bootstrap servers, and the longest of them in bytes.
const MOST_SERVERS: usize = 16;
const LONGEST_SERVER: usize = 261;

/// Connect a broker that a worker has looked at.
#[derive(Clone, Debug)]
pub struct ConnectBroker {
    /// Made of the name and a generation, see [`ConnectionId::of_name`].
    pub connection: ConnectionId,
    pub name: ConnectionName,
    pub settings: BrokerSettings,
    /// What a worker found there: its topics, or why it found nothing.
    pub probe: Result<Vec<DiscoveredTopic>, String>,
}

impl Command for ConnectBroker {
    type State = Connection;

    fn stream(&self) -> StreamName {
        StreamName::connection(self.connection)
    }

    fn decide(&self, state: &Connection, _ctx: Ctx) -> Decision {
        if state.phase != Phase::Unborn {
            return Err(Refusal::ConnectionNameTaken(self.name.clone()));
        }
        self.settings.check()?;
        let mut topics = match &self.probe {
            Ok(topics) => topics.clone(),
            Err(reason) => return Err(Refusal::BrokerUnreachable(reason.clone())),
        };
        topics.sort();
        Ok(vec![
            BrokerConnected {
                connection: self.connection,
                name: self.name.clone(),
                settings: self.settings.clone(),
            }
            .into(),
            TopicsDiscovered {
                connection: self.connection,
                topics,
            }
            .into(),
        ])
    }
}

impl BrokerSettings {
    /// Refuses settings that cannot be those of a broker, before anything is connected to.
    ///
    /// # Errors
    /// A refusal that names the field.
    pub fn check(&self) -> Result<(), Refusal> {
        let Self::Kafka {
            bootstrap_servers, ..
        } = self;
        let well_formed = |server: &String| {
            server.len() <= LONGEST_SERVER
                && server.rsplit_once(':').is_some_and(|(host, port)| {
                    !host.is_empty()
                        && host
                            .chars()
                            .all(|c| c.is_ascii_alphanumeric() || "-._[]:".contains(c))
                        && port.parse::<u16>().is_ok_and(|port| port > 0)
                })
        };
        let count = bootstrap_servers.len();
        if (1..=MOST_SERVERS).contains(&count) && bootstrap_servers.iter().all(well_formed) {
            return Ok(());
        }
        Err(Refusal::OutOfRange {
            field: "bootstrapServers",
            rule: "1 to 16 addresses of the form host:port",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::KafkaSecurity;
    use crate::testing::{broker_connected, broker_disconnected, given, topics_discovered};

    fn connect(probe: Result<Vec<DiscoveredTopic>, String>) -> ConnectBroker {
        let name: ConnectionName = "main".parse().unwrap();
        ConnectBroker {
            connection: ConnectionId::of_name(&name, 0),
            name,
            settings: kafka(&["127.0.0.1:9092"]),
            probe,
        }
    }

    fn kafka(servers: &[&str]) -> BrokerSettings {
        BrokerSettings::Kafka {
            bootstrap_servers: servers.iter().map(ToString::to_string).collect(),
            security: KafkaSecurity::Plaintext,
        }
    }

    #[test]
    fn a_reachable_broker_is_connected_with_its_topics() {
        let topics = vec![DiscoveredTopic {
            name: "orders".parse().unwrap(),
            partitions: Some(1),
        }];
        given([]).when(connect(Ok(topics))).then([
            broker_connected("main"),
            topics_discovered("main", &["orders"]),
        ]);
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
            .then_refused(Refusal::ConnectionNameTaken("main".parse().unwrap()));
    }

    #[test]
    fn a_connection_that_is_gone_does_not_come_back_under_its_id() {
        given([broker_connected("main"), broker_disconnected("main")])
            .when(connect(Ok(vec![])))
            .then_refused(Refusal::ConnectionNameTaken("main".parse().unwrap()));
    }

    #[test]
    fn addresses_without_host_or_port_are_refused() {
        for servers in [
            &[][..],
            &["host"],
            &[":9092"],
            &["host:0"],
            &["host:99999"],
            &["a b:1"],
        ] {
            assert!(kafka(servers).check().is_err(), "{servers:?}");
        }
        assert!(
            kafka(&["[::1]:9092", "kafka-1.example:9092"])
                .check()
                .is_ok()
        );
    }
}
