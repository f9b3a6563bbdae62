//! Connecting a broker under a name that is free.

use domain::connection::{BrokerSettings, ConnectBroker, Connection, DiscoveredTopic};
use domain::{ConnectionId, ConnectionName, StreamName};

use crate::execute::{Engine, Failure, Outcome, Request};

/// How many connections in a row may bear one name.
const MOST_GENERATIONS: u32 = 10_000;

/// A broker to connect, and what a worker found there.
#[derive(Clone, Debug)]
pub struct NewConnection {
    pub name: ConnectionName,
    pub settings: BrokerSettings,
    pub probe: Result<Vec<DiscoveredTopic>, String>,
}

impl Engine {
    /// Connects a broker. A name is free when no connection that bears it is alive; the new
    /// connection is then the next generation of that name.
    ///
    /// # Errors
    /// The log cannot be read or appended to.
    pub async fn connect(
        &self,
        new: NewConnection,
        request: &Request,
    ) -> Result<(ConnectionId, Outcome), Failure> {
        let connection = self.next_generation(&new.name).await?;
        let command = ConnectBroker {
            connection,
            name: new.name,
            settings: new.settings,
            probe: new.probe,
        };
        let outcome = self.execute(&command, request).await?;
        Ok((connection, outcome))
    }

    /// The connection that bears `name` and is alive, else the one that would be next.
    ///
    /// Generations are contiguous, so the last one is found by doubling and halving.
    ///
    /// # Errors
    /// The log cannot be read, or the name is worn out.
    pub async fn next_generation(&self, name: &ConnectionName) -> Result<ConnectionId, Failure> {
        let gone = async |generation: u32| -> Result<bool, Failure> {
            let stream = StreamName::connection(ConnectionId::of_name(name, generation));
            let state: Connection = self.fold(&stream).await?;
            Ok(state.phase == domain::connection::Phase::Gone)
        };
        let mut beyond = 1;
        while beyond < MOST_GENERATIONS && gone(beyond - 1).await? {
            beyond *= 2;
        }
        // All below `free` are gone; `beyond - 1` is not.
        let (mut free, mut beyond) = (beyond / 2, beyond - 1);
        while free < beyond {
            let middle = free.midpoint(beyond);
            if gone(middle).await? {
                free = middle + 1;
            } else {
                beyond = middle;
            }
        }
        Ok(ConnectionId::of_name(name, free))
    }
}
