//! What happened to brokers.

use serde::{Deserialize, Serialize};

use super::{BrokerSettings, DisconnectBroker, Phase, RotateCredential};
use crate::credential::CredentialRef;
use crate::describe::{self, BrokerNames};
use crate::event::Payload;
use crate::ids::BrokerId;
use crate::listener::StartPosition;
use crate::name::{BrokerName, TopicName};
use crate::thing::{Subject, Thing};
use crate::undo::{Inverse, NoUndo, Past, Standing, unless_changed};

/// An administrator connected a broker. Its settings never change; only credentials rotate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerConnected {
    pub broker: BrokerId,
    pub name: BrokerName,
    pub settings: BrokerSettings,
}

/// The broker is reached with another credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerCredentialsRotated {
    pub broker: BrokerId,
    pub credential: CredentialRef,
}

/// A worker listed the topics of a broker: what is different from the list before. A difference
/// of more than [`TopicsChanged::MOST_BYTES`] is several events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicsChanged {
    pub broker: BrokerId,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gained: Vec<DiscoveredTopic>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<TopicName>,
    /// Those that have another number of partitions now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<DiscoveredTopic>,
}

/// A topic as its broker lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DiscoveredTopic {
    pub name: TopicName,
    /// How many partitions, where the broker has them.
    pub partitions: Option<u32>,
}

/// Another broker takes over the grants, listeners and publishers of this one, which ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerReplaced {
    pub broker: BrokerId,
    pub replacement: BrokerId,
    /// Topics in use that the replacement lacked: what used them ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<TopicName>,
    /// Where listeners begin on the new broker; where each was told to begin on the old one
    /// when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<StartPosition>,
}

/// An administrator disconnected the broker, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerDisconnected {
    pub broker: BrokerId,
}

impl Payload for BrokerConnected {
    const NAME: &'static str = "BrokerConnected";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Broker(&self.broker)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Broker(self.broker)]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("connected {} as {}", self.settings.kind(), self.name)
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        unless_changed(past.now.broker.phase == Phase::Connected)?;
        Ok(Box::new(DisconnectBroker {
            broker: self.broker,
        }))
    }
}

impl Payload for BrokerCredentialsRotated {
    const NAME: &'static str = "BrokerCredentialsRotated";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Broker(&self.broker)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Broker(self.broker)]
    }

    fn describe(&self, names: &BrokerNames) -> String {
        let broker = describe::broker(self.broker, names);
        format!("gave {broker} the credential {}", self.credential)
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        unless_changed(credential(past.now) == Some(&self.credential))?;
        let before = credential(past.before).ok_or(NoUndo::ChangedSince)?;
        Ok(Box::new(RotateCredential {
            broker: self.broker,
            credential: before.clone(),
        }))
    }
}

impl Payload for TopicsChanged {
    const NAME: &'static str = "TopicsChanged";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Broker(&self.broker)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Broker(self.broker)]
    }

    fn describe(&self, names: &BrokerNames) -> String {
        let broker = describe::broker(self.broker, names);
        let parts = [
            ("found", self.gained.len()),
            ("lost", self.lost.len()),
            (
                "found a different number of partitions for",
                self.changed.len(),
            ),
        ];
        let parts = parts.into_iter().filter(|(_, count)| *count > 0);
        let parts: Vec<_> = parts
            .map(|(verb, count)| format!("{verb} {}", describe::topics(count)))
            .collect();
        format!("{} on {broker}", parts.join(", "))
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Reported)
    }
}

impl Payload for BrokerReplaced {
    const NAME: &'static str = "BrokerReplaced";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Broker(&self.broker)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Broker(self.broker), Thing::Broker(self.replacement)]
    }

    fn describe(&self, names: &BrokerNames) -> String {
        let old = describe::broker(self.broker, names);
        let new = describe::broker(self.replacement, names);
        match self.left_behind.len() {
            0 => format!("replaced {old} by {new}"),
            count => {
                let left = describe::topics(count);
                format!("replaced {old} by {new} and left {left} behind")
            }
        }
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Final(
            "a replaced broker cannot be restored; replace its successor",
        ))
    }
}

impl Payload for BrokerDisconnected {
    const NAME: &'static str = "BrokerDisconnected";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Broker(&self.broker)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Broker(self.broker)]
    }

    fn describe(&self, names: &BrokerNames) -> String {
        format!("disconnected {}", describe::broker(self.broker, names))
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Final(
            "a disconnected broker cannot be restored; connect it again",
        ))
    }
}

fn credential(standing: &Standing) -> Option<&CredentialRef> {
    standing.broker.settings.as_ref()?.credential()
}
