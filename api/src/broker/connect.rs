//! Connecting a broker.

use async_graphql::{Context, InputObject, OneofObject};
use domain::broker::BrokerSettings;
use domain::{BrokerId, BrokerName, Position, Thing};
use engine::connect::NewBroker;

use super::Broker;
use super::kafka::KafkaInput;
use super::probe::look;
use super::service_bus::ServiceBusInput;
use super::sqs::SqsInput;
use crate::control::control;
use crate::error::failure;
use crate::job::payload::BrokerJobPayload;
use crate::job::{JobWork, Reached};
use crate::mutation::call::Task;
use crate::mutation::{Call, Mutation, NotDone, Once, Target, Terms, arguments};
use crate::user_error::UserError;

/// A broker to connect.
#[derive(InputObject)]
pub struct BrokerConnectInput {
    /// Unique among the connected brokers: letters, digits, `_`, `-` and `.`, at most 63
    /// characters.
    pub name: String,
    /// How it is reached. Once connected, it can only be replaced.
    pub settings: BrokerSettingsInput,
    /// How long the answer waits for the job to end: 0 to 30,000.
    #[graphql(default = 20_000)]
    pub wait_ms: u32,
    #[graphql(flatten)]
    pub once: Once,
}

/// How a broker is reached, by its kind.
#[derive(OneofObject)]
pub enum BrokerSettingsInput {
    /// An Apache Kafka cluster.
    Kafka(KafkaInput),
    /// The queues of an AWS account in a region.
    Sqs(SqsInput),
    /// An Azure Service Bus namespace.
    ServiceBus(ServiceBusInput),
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
    type Payload = BrokerJobPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<Connected, UserError> {
        arguments::name_in(&self.name, "name").map(Connected)
    }

    async fn run(&self, call: &Call<'_>, target: &Connected) -> Result<Position, NotDone> {
        let settings = self.settings.settings()?;
        let (name, path) = (target.0.clone(), self.settings.path());
        let connect = async move |task: Task| {
            let probe = look(&task, &settings).await?;
            let new = NewBroker {
                name,
                settings,
                probe,
            };
            let connected = task.control.engine.connect(new, &task.request).await;
            let (broker, outcome) = connected.map_err(|cause| failure(&cause))?;
            let position = Call::end(Ok(outcome)).map_err(|error| error.or_about(&path))?;
            Ok(Reached { broker, position })
        };
        call.job(JobWork::BrokerConnect, self.wait_ms, connect)
            .await
    }
}

impl BrokerSettingsInput {
    /// The settings, once they are in order.
    ///
    /// # Errors
    /// They are not; the path begins at the input's `settings`.
    fn settings(&self) -> Result<BrokerSettings, UserError> {
        let settings = match self {
            Self::Kafka(kafka) => kafka.settings(),
            Self::Sqs(sqs) => sqs.settings(),
            Self::ServiceBus(service_bus) => service_bus.settings(),
        };
        let settings = settings?;
        settings.check()?;
        Ok(settings)
    }

    /// The member of the input that says how it is reached.
    fn path(&self) -> [&'static str; 3] {
        let kind = match self {
            Self::Kafka(_) => "kafka",
            Self::Sqs(_) => "sqs",
            Self::ServiceBus(_) => "serviceBus",
        };
        ["input", "settings", kind]
    }
}
