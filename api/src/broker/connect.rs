//! Connecting a broker.

use async_graphql::{Context, InputObject};
use domain::broker::BrokerSettings;
use domain::{BrokerId, BrokerName, Position, Thing};
use engine::connect::NewBroker;

use super::Broker;
use super::kafka::KafkaInput;
use super::mutation::BrokerPayload;
use super::probe::look;
use super::service_bus::ServiceBusInput;
use super::sqs::SqsInput;
use crate::control::control;
use crate::error::failure;
use crate::mutation::{Call, Mutation, NotDone, Once, Target, Terms, arguments};
use crate::user_error::{UserError, UserErrorCode};

/// A broker to connect.
#[derive(InputObject)]
pub struct BrokerConnectInput {
    /// Unique among the connected brokers: letters, digits, `_`, `-` and `.`, at most 63.
    pub name: String,
    /// An Apache Kafka cluster; this, `sqs` or `serviceBus`.
    pub kafka: Option<KafkaInput>,
    /// The queues of an AWS account; this, `kafka` or `serviceBus`.
    pub sqs: Option<SqsInput>,
    /// An Azure Service Bus namespace; this, `kafka` or `sqs`.
    pub service_bus: Option<ServiceBusInput>,
    #[graphql(flatten)]
    pub once: Once,
}

/// The broker that a mutation connects under a name: the one that bears it afterwards.
pub(crate) struct Connected(BrokerName);

impl Target for Connected {
    type Entity = Broker;

    fn thing(&self) -> Option<Thing> {
        // Its id is not known yet, and nobody has seen it.
        None
    }

    async fn find(
        &self,
        ctx: &Context<'_>,
        position: Position,
    ) -> async_graphql::Result<Option<Broker>> {
        let broker = control(ctx).engine.next_generation(&self.0).await;
        let broker: BrokerId = broker.map_err(|cause| failure(&cause))?;
        broker.find(ctx, position).await
    }
}

impl Mutation for BrokerConnectInput {
    type Id = ();
    type Target = Connected;
    type Payload = BrokerPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<Connected, UserError> {
        arguments::name_in(&self.name, "name").map(Connected)
    }

    async fn run(&self, call: &Call<'_>, target: &Connected) -> Result<Position, NotDone> {
        let (settings, member) = self.settings()?;
        let new = NewBroker {
            name: target.0.clone(),
            probe: look(call.ctx, &settings).await?,
            settings,
        };
        let engine = &control(call.ctx).engine;
        let connected = engine.connect(new, call.request()).await;
        let done = call.end(connected.map(|(_, outcome)| outcome));
        done.map_err(|error| error.or_about(&["input", member]))
    }
}

impl BrokerConnectInput {
    /// How to reach the broker, and the member of the input that says so.
    fn settings(&self) -> Result<(BrokerSettings, &'static str), UserError> {
        let (settings, member) = match (&self.kafka, &self.sqs, &self.service_bus) {
            (Some(kafka), None, None) => (kafka.settings()?, "kafka"),
            (None, Some(sqs), None) => (sqs.settings()?, "sqs"),
            (None, None, Some(service_bus)) => (service_bus.settings()?, "serviceBus"),
            _ => {
                let text = "one of kafka, sqs and serviceBus must be given";
                return Err(UserError::new(UserErrorCode::OutOfRange, text, &["input"]));
            }
        };
        settings.check()?;
        Ok((settings, member))
    }
}
