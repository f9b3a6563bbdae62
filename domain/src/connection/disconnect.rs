//! Disconnecting a broker.

use super::{BrokerDisconnected, Connection};
use crate::command::{Command, Ctx, Decision};
use crate::envelope::StreamName;
use crate::ids::ConnectionId;

/// Disconnect a broker for good. A policy then ends what hung on it.
#[derive(Clone, Debug)]
pub struct DisconnectBroker {
    pub connection: ConnectionId,
}

impl Command for DisconnectBroker {
    type State = Connection;

    fn stream(&self) -> StreamName {
        StreamName::connection(self.connection)
    }

    fn decide(&self, state: &Connection, _ctx: Ctx) -> Decision {
        state.check_alive()?;
        Ok(vec![
            BrokerDisconnected {
                connection: self.connection,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Refusal;
    use crate::testing::{broker_connected, broker_disconnected, connection_id, given};

    fn disconnect() -> DisconnectBroker {
        DisconnectBroker {
            connection: connection_id("main"),
        }
    }

    #[test]
    fn a_connection_that_is_alive_ends() {
        given([broker_connected("main")])
            .when(disconnect())
            .then([broker_disconnected("main")]);
    }

    #[test]
    fn a_connection_that_is_gone_or_never_was_is_refused() {
        given([])
            .when(disconnect())
            .then_refused(Refusal::ConnectionGone);
        given([broker_connected("main"), broker_disconnected("main")])
            .when(disconnect())
            .then_refused(Refusal::ConnectionGone);
    }
}
