//! Replacing a broker by another.

use async_graphql::{Context, ID, InputObject};
use domain::broker::ReplaceBroker;
use domain::{BrokerId, Position, Thing};

use super::Broker;
use super::mutation::BrokerPayload;
use super::replacement::in_use;
use crate::id;
use crate::listener::settings::ListenerStartInput;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Target, Terms, arguments};
use crate::user_error::UserError;
use crate::view::View;

/// What takes over, and how.
#[derive(InputObject)]
pub struct BrokerReplaceInput {
    /// A connected broker of the same kind.
    pub replacement_id: ID,
    /// Go on although the replacement lacks topics: what depends on those is ended.
    #[graphql(default)]
    pub leave_missing: bool,
    /// Where listeners begin on the new broker, on which they have no position yet; by default, where
    /// each was set to begin. Not allowed on brokers that keep no positions.
    pub start: Option<ListenerStartInput>,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

/// A broker and the one that takes over, which the payload shows.
pub(crate) struct Replacement {
    broker: BrokerId,
    replacement: BrokerId,
}

impl Target for Replacement {
    type Entity = Broker;

    fn thing(&self) -> Option<Thing> {
        Some(Thing::Broker(self.broker))
    }

    async fn find(
        &self,
        ctx: &Context<'_>,
        position: Position,
    ) -> async_graphql::Result<Option<Broker>> {
        self.replacement.find(ctx, position).await
    }
}

impl Mutation for BrokerReplaceInput {
    type Id = ID;
    type Target = Replacement;
    type Payload = BrokerPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<Replacement, UserError> {
        Ok(Replacement {
            broker: arguments::id(id, id::broker)?,
            replacement: arguments::id_in(&self.replacement_id, id::broker, "replacementId")?,
        })
    }

    async fn run(&self, call: &Call<'_>, target: &Replacement) -> Result<Position, NotDone> {
        let start = self.start.as_ref();
        let start = start.map(|start| start.position(&["input", "start", "time"]));
        let command = ReplaceBroker {
            broker: target.broker,
            replacement: target.replacement,
            topics: in_use(&View::live(call.ctx), target.broker).await?,
            leave_missing: self.leave_missing,
            start: start.transpose()?,
        };
        call.execute(&command).await
    }
}
