//! Connecting, looking at and disconnecting brokers.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::broker::{
    BrokerSettings, DisconnectBroker, DiscoverTopics, DiscoveredTopic, RotateCredentials,
};
use domain::{BrokerId, BrokerName};
use engine::connect::NewBroker;

use super::Broker;
use super::input::{CredentialInput, KafkaInput, ServiceBusInput, SqsInput};
use crate::control::control;
use crate::id;
use crate::mutation::{Ended, Ticket, end, execute, payload};
use crate::scalar::BigInt;
use crate::user_error::{UserError, UserErrorCode};
use crate::view::View;
use crate::worker::AskError;

payload!(
    /// The answer of the mutations of a broker.
    BrokerPayload { broker: Broker }
);

#[derive(InputObject)]
pub struct BrokerConnectInput {
    /// Unique among the brokers that are alive: letters, digits, `_`, `-` and `.`, at most 63.
    pub name: String,
    /// An Apache Kafka cluster; this, `sqs` or `serviceBus`.
    pub kafka: Option<KafkaInput>,
    /// The queues of an AWS account; this, `kafka` or `serviceBus`.
    pub sqs: Option<SqsInput>,
    /// An Azure Service Bus namespace; this, `kafka` or `sqs`.
    pub service_bus: Option<ServiceBusInput>,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
}

#[derive(InputObject)]
pub struct BrokerDiscoverInput {
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
}

#[derive(InputObject)]
pub struct BrokerRotateCredentialsInput {
    /// What to use from now on; workers connect anew by it.
    pub credential: CredentialInput,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the broker's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(InputObject)]
pub struct BrokerDisconnectInput {
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the broker's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(Default)]
pub struct BrokerMutation;

#[Object]
impl BrokerMutation {
    /// Connects a broker that a worker can reach, and discovers its topics.
    async fn broker_connect(
        &self,
        ctx: &Context<'_>,
        input: BrokerConnectInput,
    ) -> Option<Result<BrokerPayload>> {
        Some(connect(ctx, input).await)
    }

    /// Discovers the topics of a broker anew.
    async fn broker_discover(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: BrokerDiscoverInput,
    ) -> Option<Result<BrokerPayload>> {
        Some(discover(ctx, id, input).await)
    }

    /// Uses another credential from now on. Only a reference is given, never a secret.
    async fn broker_rotate_credentials(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: BrokerRotateCredentialsInput,
    ) -> Option<Result<BrokerPayload>> {
        Some(rotate(ctx, id, input).await)
    }

    /// Disconnects a broker for good. Listeners, publishers and grants on it end by policy.
    async fn broker_disconnect(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: BrokerDisconnectInput,
    ) -> Option<Result<BrokerPayload>> {
        Some(disconnect(ctx, id, input).await)
    }
}

async fn connect(ctx: &Context<'_>, input: BrokerConnectInput) -> Result<BrokerPayload> {
    let key = input.idempotency_key.as_deref();
    let ticket = Ticket::new("brokerConnect", None, &input, key, None);
    let Asked {
        name,
        settings,
        field,
    } = match asked(&input) {
        Ok(asked) => asked,
        Err(error) => return Ok(BrokerPayload::refused(error)),
    };
    let probe = match look(ctx, &settings).await {
        Ok(probe) => probe,
        Err(error) => return Ok(BrokerPayload::refused(error)),
    };
    let request = match ticket.request(ctx) {
        Ok(request) => request,
        Err(error) => return Ok(BrokerPayload::refused(error)),
    };
    let new = NewBroker {
        name,
        settings,
        probe,
    };
    let connected = control(ctx).engine.connect(new, &request).await;
    let (broker, outcome) = match connected {
        Ok((broker, outcome)) => (Some(broker), Ok(outcome)),
        Err(failure) => (None, Err(failure)),
    };
    let ended = end(ctx, outcome).await?;
    let ended = ended.map_err(|error| error.or_about(&["input", field]));
    answer(ctx, broker, Ok(ended)).await
}

/// A broker to connect, and the input's field that says how.
struct Asked {
    name: BrokerName,
    settings: BrokerSettings,
    field: &'static str,
}

fn asked(input: &BrokerConnectInput) -> Result<Asked, UserError> {
    let name = input
        .name
        .parse()
        .map_err(|error| UserError::bad_name(&error, &["input", "name"]))?;
    let (settings, field) = match (&input.kafka, &input.sqs, &input.service_bus) {
        (Some(kafka), None, None) => (kafka.settings()?, "kafka"),
        (None, Some(sqs), None) => (sqs.settings()?, "sqs"),
        (None, None, Some(service_bus)) => (service_bus.settings()?, "serviceBus"),
        _ => {
            let text = "one of kafka, sqs and serviceBus must be given";
            return Err(UserError::new(UserErrorCode::OutOfRange, text, &["input"]));
        }
    };
    settings.check()?;
    Ok(Asked {
        name,
        settings,
        field,
    })
}

/// Has a worker look at a broker: its topics, or why it found nothing.
async fn look(
    ctx: &Context<'_>,
    settings: &BrokerSettings,
) -> Result<Result<Vec<DiscoveredTopic>, String>, UserError> {
    match control(ctx).requests.list_topics(settings).await {
        Ok(answer) => Ok(answer),
        Err(AskError::NoWorker) => Err(UserError::new(
            UserErrorCode::NoWorker,
            "no worker is there to look at the broker; start one and try again",
            &[],
        )),
        Err(AskError::TimedOut) => Ok(Err("the worker did not answer in time".to_owned())),
    }
}

async fn discover(ctx: &Context<'_>, id: ID, input: BrokerDiscoverInput) -> Result<BrokerPayload> {
    let key = input.idempotency_key.as_deref();
    let ticket = Ticket::new("brokerDiscover", Some(&id), &input, key, None);
    let broker = match id::broker(&id) {
        Ok(broker) => broker,
        Err(error) => return Ok(BrokerPayload::refused(UserError::bad_id(&error, &["id"]))),
    };
    let Some(shown) = read(ctx, broker).await? else {
        let gone = domain::Refusal::BrokerGone;
        return Ok(BrokerPayload::refused(gone.into()));
    };
    let probe = match look(ctx, &shown.0.settings).await {
        Ok(probe) => probe,
        Err(error) => return Ok(BrokerPayload::refused(error)),
    };
    let command = DiscoverTopics { broker, probe };
    answer(ctx, Some(broker), execute(ctx, &ticket, &command).await).await
}

async fn rotate(
    ctx: &Context<'_>,
    id: ID,
    input: BrokerRotateCredentialsInput,
) -> Result<BrokerPayload> {
    let key = input.idempotency_key.as_deref();
    let expected = input.expected_revision;
    let ticket = Ticket::new("brokerRotateCredentials", Some(&id), &input, key, expected);
    let broker = match id::broker(&id) {
        Ok(broker) => broker,
        Err(error) => return Ok(BrokerPayload::refused(UserError::bad_id(&error, &["id"]))),
    };
    let credential = match input.credential.reference(&["input", "credential"]) {
        Ok(credential) => credential,
        Err(error) => return Ok(BrokerPayload::refused(error)),
    };
    let command = RotateCredentials { broker, credential };
    answer(ctx, Some(broker), execute(ctx, &ticket, &command).await).await
}

async fn disconnect(
    ctx: &Context<'_>,
    id: ID,
    input: BrokerDisconnectInput,
) -> Result<BrokerPayload> {
    let key = input.idempotency_key.as_deref();
    let expected = input.expected_revision;
    let ticket = Ticket::new("brokerDisconnect", Some(&id), &input, key, expected);
    let broker = match id::broker(&id) {
        Ok(broker) => broker,
        Err(error) => return Ok(BrokerPayload::refused(UserError::bad_id(&error, &["id"]))),
    };
    let command = DisconnectBroker { broker };
    answer(ctx, Some(broker), execute(ctx, &ticket, &command).await).await
}

pub(crate) async fn answer(
    ctx: &Context<'_>,
    broker: Option<BrokerId>,
    ended: Ended,
) -> Result<BrokerPayload> {
    Ok(match ended? {
        Err(error) => BrokerPayload::refused(error),
        Ok(position) => {
            let broker = match broker {
                Some(broker) => read(ctx, broker).await?,
                None => None,
            };
            BrokerPayload::done(broker, position)
        }
    })
}

async fn read(ctx: &Context<'_>, broker: BrokerId) -> Result<Option<Broker>> {
    View::live(ctx).find(broker, Broker).await.transpose()
}
