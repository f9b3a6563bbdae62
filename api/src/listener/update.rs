//! Changing a listener: its version, its dead letter queue and its settings in one append.

use async_graphql::{Context, ID, InputObject, MaybeUndefined};
use domain::flow::{Flow, Flows, Node};
use domain::listener::UpdateListener;
use domain::{ListenerId, Position};

use super::mutation::ListenerPayload;
use super::settings_patch::{ListenerSettingsPatchInput, patch};
use super::{expression, ordering};
use crate::cycle;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::{UserError, UserErrorCode, Warning};

/// What to change about a listener; either all of it is changed, or nothing. What is left out
/// stays as it is; null resets it to the default.
#[derive(InputObject)]
pub struct ListenerUpdateInput {
    /// The version selector: `1.2.3`, `1.2.*`, `1.*` or `latest`. It has no default: null is
    /// refused.
    pub version: MaybeUndefined<String>,
    /// The name of a topic of the same broker that takes faulty messages; the algorithm needs a
    /// `DEAD_LETTER` or `PUBLISH` grant on it. Null means none.
    pub dlq: MaybeUndefined<String>,
    /// How it behaves. Where it starts is chosen when it is enabled, and cannot be changed.
    pub settings: MaybeUndefined<ListenerSettingsPatchInput>,
    /// Set the dead letter queue even if messages would go round in a cycle, with a warning
    /// instead of a refusal.
    pub allow_cycle: Option<bool>,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for ListenerUpdateInput {
    type Id = ID;
    type Target = ListenerId;
    type Payload = ListenerPayload;

    const FORBIDS: bool = true;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<ListenerId, UserError> {
        arguments::id(id, id::listener)
    }

    async fn run(&self, call: &Call<'_>, listener: &ListenerId) -> Result<Position, NotDone> {
        let version = arguments::unless_null(&self.version, &["input", "version"])?;
        let version = version.map(|version| arguments::name_in(version, "version"));
        let dlq = match &self.dlq {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(dlq) => Some(Some(arguments::name_in(dlq, "dlq")?)),
        };
        let flows = if self.dlq.is_value() {
            cycle::flows_leading_to(call.ctx, &Node::Topic(listener.topic.clone())).await?
        } else {
            Flows::default()
        };
        let settings = patch(&self.settings);
        expression::check(&settings)?;
        let command = UpdateListener {
            listener: listener.clone(),
            version: version.transpose()?,
            dlq,
            settings,
            flows,
            allow_cycle: self.allow_cycle.unwrap_or_default(),
        };
        let done = call.execute(&command).await;
        done.map_err(|error| error.map(about_dlq))
    }

    async fn warnings(
        &self,
        ctx: &Context<'_>,
        listener: &ListenerId,
        _position: Position,
    ) -> async_graphql::Result<Vec<Warning>> {
        let mut warnings = Vec::new();
        if let MaybeUndefined::Value(dlq) = &self.dlq {
            let dlq = dlq.parse().ok();
            let flows = Flow::of_listener(listener, dlq.as_ref());
            let source = Node::Topic(listener.topic.clone());
            warnings.extend(cycle::warnings(ctx, &source, flows).await?);
        }
        if !matches!(self.settings, MaybeUndefined::Undefined) {
            warnings.extend(ordering::warning(ctx, listener).await?);
        }
        Ok(warnings)
    }
}

/// The only argument whose refusal does not say what it is about.
pub(super) fn about_dlq(error: UserError) -> UserError {
    match error.code {
        UserErrorCode::UnknownTopic => error.or_about(&["input", "dlq"]),
        _ => error,
    }
}
