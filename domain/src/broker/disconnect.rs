//! Disconnecting a broker.

use super::{Broker, BrokerDisconnected};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::BrokerId;

/// Disconnect a broker for good. A policy then ends what hung on it.
#[derive(Clone, Debug)]
pub struct DisconnectBroker {
    pub broker: BrokerId,
}

impl Command for DisconnectBroker {
    type State = Broker;

    fn stream(&self) -> StreamName {
        StreamName::broker(self.broker)
    }

    fn requires(&self) -> Right {
        Right::AdministerCluster
    }

    fn decide(&self, state: &Broker, _ctx: Ctx) -> Decided {
        state.check_connected()?;
        Ok(vec![
            BrokerDisconnected {
                broker: self.broker,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Refusal;
    use crate::testing::{broker_connected, broker_disconnected, broker_id, given};

    fn disconnect() -> DisconnectBroker {
        DisconnectBroker {
            broker: broker_id("main"),
        }
    }

    #[test]
    fn a_broker_that_is_alive_ends() {
        given([broker_connected("main")])
            .when(disconnect())
            .then([broker_disconnected("main")]);
    }

    #[test]
    fn a_broker_that_is_gone_or_never_was_is_refused() {
        given([])
            .when(disconnect())
            .then_refused(Refusal::BrokerGone);
        given([broker_connected("main"), broker_disconnected("main")])
            .when(disconnect())
            .then_refused(Refusal::BrokerGone);
    }
}
