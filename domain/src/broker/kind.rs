//! The kinds of brokers, and what each takes for a topic's name.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{kafka, service_bus, sqs};
use crate::name::TopicName;
use crate::refusal::Refusal;

/// A kind of broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BrokerKind {
    Kafka,
    Sqs,
    ServiceBus,
}

impl BrokerKind {
    /// The name people know it by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kafka => "Kafka",
            Self::Sqs => "Amazon SQS",
            Self::ServiceBus => "Azure Service Bus",
        }
    }

    /// Whether a broker of this kind keeps a position for each listener. One that does not hands
    /// out the messages it has, and forgets those that are done.
    #[must_use]
    pub fn keeps_positions(self) -> bool {
        match self {
            Self::Kafka => true,
            Self::Sqs | Self::ServiceBus => false,
        }
    }

    /// Whether a broker of this kind could have a topic of that name.
    #[must_use]
    pub fn allows(self, topic: &TopicName) -> bool {
        let name = topic.as_str();
        match self {
            Self::Kafka => kafka::allows(name),
            Self::Sqs => sqs::allows(name),
            Self::ServiceBus => service_bus::allows(name),
        }
    }

    /// Refuses a name that no topic of this kind can have.
    pub(crate) fn check_topic(self, topic: &TopicName, field: &'static str) -> Result<(), Refusal> {
        if self.allows(topic) {
            return Ok(());
        }
        Err(Refusal::OutOfRange {
            field,
            rule: match self {
                Self::Kafka => kafka::TOPIC_RULE,
                Self::Sqs => sqs::TOPIC_RULE,
                Self::ServiceBus => service_bus::TOPIC_RULE,
            },
        })
    }
}

impl fmt::Display for BrokerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(kind: BrokerKind, name: &str) -> bool {
        kind.allows(&name.parse().unwrap())
    }

    #[test]
    fn kafka_takes_249_characters_and_refuses_250() {
        assert!(allows(BrokerKind::Kafka, &"t".repeat(249)));
        assert!(!allows(BrokerKind::Kafka, &"t".repeat(250)));
        assert!(allows(BrokerKind::Kafka, "__orders.v1-eu"));
        for name in [".", "..", "a/b"] {
            assert!(!allows(BrokerKind::Kafka, name), "{name:?}");
        }
    }

    #[test]
    fn sqs_takes_80_characters_the_ending_of_a_fifo_queue_among_them() {
        assert!(allows(BrokerKind::Sqs, &"q".repeat(80)));
        assert!(!allows(BrokerKind::Sqs, &"q".repeat(81)));
        assert!(allows(BrokerKind::Sqs, &format!("{}.fifo", "q".repeat(75))));
        assert!(!allows(
            BrokerKind::Sqs,
            &format!("{}.fifo", "q".repeat(76))
        ));
        for name in [".fifo", "a.b", "a.fifo.fifo", "a/b"] {
            assert!(!allows(BrokerKind::Sqs, name), "{name:?}");
        }
    }

    #[test]
    fn service_bus_takes_260_characters_and_subscriptions_of_50() {
        let bus = BrokerKind::ServiceBus;
        assert!(allows(bus, &"q".repeat(260)));
        assert!(!allows(bus, &"q".repeat(261)));
        let subscription = |topic: usize, name: usize| {
            format!("{}/Subscriptions/{}", "t".repeat(topic), "s".repeat(name))
        };
        assert!(allows(bus, &subscription(260, 50)));
        assert!(!allows(bus, &subscription(259, 51)));
        assert!(allows(bus, "sales/orders"));
        for name in [
            "orders/",
            "a//b",
            "orders/subscriptions/a/b",
            "-orders",
            "orders.",
        ] {
            assert!(!allows(bus, name), "{name:?}");
        }
    }
}
