//! librdkafka's errors in the words of the port.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::context::Health;
use crate::port::BrokerError;

/// What `error` means for someone who used `topic` (empty: none in particular).
pub(super) fn broker_error(error: &KafkaError, topic: &str, health: &Health) -> BrokerError {
    match error.rdkafka_error_code() {
        Some(code) => from_code(code, topic, health, error),
        None => BrokerError::Other(error.to_string()),
    }
}

/// As [`broker_error`], for a code that came without its error; `text` says what happened.
pub(super) fn from_code(
    code: Code,
    topic: &str,
    health: &Health,
    text: impl ToString,
) -> BrokerError {
    match code {
        // The second is of a topic whose segments are smaller than what it takes.
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize => {
            BrokerError::TooLarge(text.to_string())
        }
        Code::UnknownTopic
        | Code::UnknownTopicOrPartition
        | Code::UnknownPartition
        | Code::InvalidTopic => BrokerError::NoTopic(topic.to_owned()),
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::SaslAuthenticationFailed
        | Code::Authentication => BrokerError::NotAuthorized(text.to_string()),
        Code::AllBrokersDown
        | Code::BrokerTransportFailure
        | Code::Resolve
        | Code::OperationTimedOut
        | Code::RequestTimedOut
        | Code::MessageTimedOut
        | Code::TimedOutQueue
        | Code::NetworkException
        | Code::BrokerNotAvailable
        | Code::WaitingForCoordinator
        | Code::CoordinatorNotAvailable => BrokerError::Unreachable(health.reason_or(text)),
        _ => BrokerError::Other(text.to_string()),
    }
}
