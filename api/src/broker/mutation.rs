//! The mutations of a broker; each in a file named by its verb.

use async_graphql::{Context, ID, Object, Result};
use domain::{BrokerId, Position, Thing};

use super::Broker;
use super::connect::BrokerConnectInput;
use super::disconnect::BrokerDisconnectInput;
use super::discover_topics::BrokerTopicsDiscoverInput;
use super::replace::BrokerReplaceInput;
use super::rotate_credential::BrokerCredentialRotateInput;
use crate::job::payload::BrokerJobPayload;
use crate::mutation::{Target, mutate, payload};
use crate::view::View;

payload!(
    /// The answer of the mutations of a broker.
    BrokerPayload { broker: Broker }
);

impl Target for BrokerId {
    type Entity = Broker;

    fn thing(&self) -> Option<Thing> {
        Some(Thing::Broker(*self))
    }

    async fn find(&self, ctx: &Context<'_>, _position: Position) -> Result<Option<Broker>> {
        View::live(ctx).find(*self, Broker).await.transpose()
    }
}

#[derive(Default)]
pub struct BrokerMutation;

#[Object]
impl BrokerMutation {
    /// Connects a broker that a worker can reach, and discovers its topics. This is a job; the
    /// answer waits up to `waitMs` for it to end.
    ///
    /// Codes: `NAME_TAKEN`, `BROKER_UNREACHABLE`, `NO_WORKER`, `BAD_NAME`.
    async fn broker_connect(
        &self,
        ctx: &Context<'_>,
        input: BrokerConnectInput,
    ) -> Option<Result<BrokerJobPayload>> {
        mutate(ctx, (), input).await
    }

    /// Discovers the topics of a broker again. This is a job; the answer waits up to `waitMs` for
    /// it to end.
    ///
    /// Codes: `BROKER_GONE`, `BROKER_UNREACHABLE`, `NO_WORKER`.
    async fn broker_topics_discover(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: BrokerTopicsDiscoverInput,
    ) -> Option<Result<BrokerJobPayload>> {
        mutate(ctx, id, input).await
    }

    /// Switches to another credential. Only a reference is given, never a secret.
    ///
    /// Codes: `BROKER_GONE`, `NO_CREDENTIAL`, `BAD_NAME`.
    async fn broker_credential_rotate(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: BrokerCredentialRotateInput,
    ) -> Option<Result<BrokerPayload>> {
        mutate(ctx, id, input).await
    }

    /// Disconnects a broker for good. Policies end its listeners, publishers and grants.
    ///
    /// Codes: `BROKER_GONE`.
    async fn broker_disconnect(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: BrokerDisconnectInput,
    ) -> Option<Result<BrokerPayload>> {
        mutate(ctx, id, input).await
    }

    /// Disconnects a broker for good and has another of the same kind take over its grants,
    /// listeners and publishers, topic by topic. Nothing more is consumed from the old one. This
    /// is a job; the answer waits up to `waitMs` for it to end, and shows the replacement.
    ///
    /// Codes: `BROKER_GONE`, `BAD_REPLACEMENT`, `TOPICS_MISSING`, `NOTHING_TO_START_AT`.
    async fn broker_replace(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: BrokerReplaceInput,
    ) -> Option<Result<BrokerJobPayload>> {
        mutate(ctx, id, input).await
    }
}
