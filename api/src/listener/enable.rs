//! Enabling a listener.

use async_graphql::{Context, ID, InputObject};
use domain::flow::{Flow, Node};
use domain::listener::{EnableListener, ListenerEnabled, ListenerSettings};
use domain::{ListenerId, Payload, Position, Thing};
use projections::event::{EventFilter, EventPaging};

use super::mutation::ListenerPayload;
use super::settings::ListenerSettingsInput;
use super::update::about_dlq;
use super::{expression, ordering};
use crate::cycle;
use crate::error::read_failure;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::{UserError, Warning};
use crate::view::View;

/// A listener to enable.
#[derive(InputObject)]
pub struct ListenerEnableInput {
    /// A topic that the algorithm may read.
    pub topic_id: ID,
    /// The algorithm to feed.
    pub algorithm_id: ID,
    /// The version selector: `1.2.3`, `1.2.*`, `1.*` or `latest`.
    pub version: String,
    /// How it behaves; settings that are left out get their defaults. On Kafka, `start` is
    /// required if the listener was never enabled before.
    pub settings: Option<ListenerSettingsInput>,
    /// The name of a topic of the same broker that takes faulty messages; the algorithm needs a
    /// `DEAD_LETTER` or `PUBLISH` grant on it.
    pub dlq: Option<String>,
    /// Enable it paused: it consumes nothing until it is resumed.
    pub paused: Option<bool>,
    /// Enable it even if messages would go round in a cycle, with a warning instead of a refusal.
    pub allow_cycle: Option<bool>,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for ListenerEnableInput {
    type Id = ();
    type Target = ListenerId;
    type Payload = ListenerPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<ListenerId, UserError> {
        Ok(ListenerId {
            topic: arguments::id_in(&self.topic_id, id::topic, "topicId")?,
            algorithm: arguments::id_in(&self.algorithm_id, id::algorithm, "algorithmId")?,
        })
    }

    async fn run(&self, call: &Call<'_>, listener: &ListenerId) -> Result<Position, NotDone> {
        let dlq = self.dlq.as_ref();
        let dlq = dlq.map(|dlq| arguments::name_in(dlq, "dlq"));
        let source = Node::Topic(listener.topic.clone());
        let settings = self.settings.as_ref();
        let settings = settings.map(ListenerSettingsInput::settings).transpose()?;
        let settings = settings.unwrap_or_else(|| ListenerSettings::starting(None));
        expression::check(&(&settings).into())?;
        let command = EnableListener {
            listener: listener.clone(),
            version: arguments::name_in(&self.version, "version")?,
            settings,
            dlq: dlq.transpose()?,
            paused: self.paused.unwrap_or_default(),
            flows: cycle::flows_leading_to(call.ctx, &source).await?,
            allow_cycle: self.allow_cycle.unwrap_or_default(),
        };
        let done = call.execute(&command).await;
        done.map_err(|error| error.map(about_dlq))
    }

    async fn warnings(
        &self,
        ctx: &Context<'_>,
        listener: &ListenerId,
        position: Position,
    ) -> async_graphql::Result<Vec<Warning>> {
        let dlq = self.dlq.as_ref().and_then(|dlq| dlq.parse().ok());
        let flows = Flow::of_listener(listener, dlq.as_ref());
        let source = Node::Topic(listener.topic.clone());
        let mut warnings = cycle::warnings(ctx, &source, flows).await?;
        let start = self.settings.as_ref().and_then(|sent| sent.start.as_ref());
        if start.is_some() && was_enabled_before(ctx, listener, position).await? {
            warnings.push(Warning::goes_on_at_its_position());
        }
        warnings.extend(ordering::warning(ctx, listener).await?);
        Ok(warnings)
    }
}

/// Whether a listener had been enabled before it was in the append that ends at `position`.
async fn was_enabled_before(
    ctx: &Context<'_>,
    listener: &ListenerId,
    position: Position,
) -> async_graphql::Result<bool> {
    let enabled = EventFilter {
        of: Some(Thing::Listener(listener.clone())),
        types: Some(vec![ListenerEnabled::NAME]),
        ..EventFilter::default()
    };
    let two = EventPaging {
        after: Position::default(),
        until: position,
        descending: true,
        limit: 1,
    };
    let asked = [(enabled, two)];
    let lists = View::live(ctx).model().event_positions(&asked).await;
    let lists = lists.map_err(|cause| read_failure(&cause))?;
    Ok(lists.iter().any(|times| times.len() > 1))
}
