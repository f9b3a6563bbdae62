//! Enabling, changing and disabling listeners.

use async_graphql::{Context, ID, InputObject, Object, Result};
use domain::flow::{Flow, Flows};
use domain::listener::{
    ChangeListenerSettings, ChangeListenerVersion, ClearDlq, DisableListener, EnableListener,
    PauseListener, ResumeListener, SetDlq,
};
use domain::{Command, ListenerId};

use super::Listener;
use super::settings::ListenerSettingsInput;
use crate::cycle;
use crate::id;
use crate::mutation::{Ticket, execute, payload};
use crate::scalar::BigInt;
use crate::user_error::{UserError, UserErrorCode};
use crate::view::View;

payload!(
    /// The answer of the mutations of a listener.
    ListenerPayload { listener: Listener }
);

#[derive(InputObject)]
pub struct ListenerEnableInput {
    /// A topic that the algorithm may read.
    pub topic_id: ID,
    pub algorithm_id: ID,
    /// `1.2.3`, `1.2.*`, `1.*` or `latest`
    pub version: String,
    pub settings: ListenerSettingsInput,
    /// The name of a topic of the same broker that takes faulty messages.
    pub dlq: Option<String>,
    /// Consume nothing until it is resumed.
    #[graphql(default)]
    pub paused: bool,
    /// Enable it although messages then go round and round: a warning instead of a refusal.
    #[graphql(default)]
    pub allow_cycle: bool,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the topic's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(InputObject)]
pub struct ListenerChangeVersionInput {
    /// `1.2.3`, `1.2.*`, `1.*` or `latest`
    pub version: String,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the topic's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(InputObject)]
pub struct ListenerChangeSettingsInput {
    /// All of them: what is left out has its default, whatever it was before. Where the listener
    /// starts must be what it is.
    pub settings: ListenerSettingsInput,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the topic's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(InputObject)]
pub struct ListenerPauseInput {
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the topic's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(InputObject)]
pub struct ListenerResumeInput {
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the topic's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(InputObject)]
pub struct ListenerSetDlqInput {
    /// The name of a topic of the same broker.
    pub dlq: String,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the topic's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(InputObject)]
pub struct ListenerClearDlqInput {
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the topic's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(InputObject)]
pub struct ListenerDisableInput {
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the topic's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

#[derive(Default)]
pub struct ListenerMutation;

#[Object]
impl ListenerMutation {
    /// Feeds an algorithm with the messages of a topic.
    async fn listener_enable(
        &self,
        ctx: &Context<'_>,
        input: ListenerEnableInput,
    ) -> Option<Result<ListenerPayload>> {
        Some(enable(ctx, input).await)
    }

    /// Calls another version from now on.
    async fn listener_change_version(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerChangeVersionInput,
    ) -> Option<Result<ListenerPayload>> {
        let key = input.idempotency_key.as_deref();
        let expected = input.expected_revision;
        let ticket = Ticket::new("listenerChangeVersion", Some(&id), &input, key, expected);
        let command = |listener: &ListenerId| {
            let version = input.version.parse();
            Ok(ChangeListenerVersion {
                listener: listener.clone(),
                version: version
                    .map_err(|error| UserError::bad_name(&error, &["input", "version"]))?,
            })
        };
        Some(change(ctx, &id, &ticket, command).await)
    }

    /// Behaves otherwise from now on.
    async fn listener_change_settings(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerChangeSettingsInput,
    ) -> Option<Result<ListenerPayload>> {
        let key = input.idempotency_key.as_deref();
        let expected = input.expected_revision;
        let ticket = Ticket::new("listenerChangeSettings", Some(&id), &input, key, expected);
        let command = |listener: &ListenerId| {
            Ok(ChangeListenerSettings {
                listener: listener.clone(),
                settings: input.settings.settings()?,
            })
        };
        Some(change(ctx, &id, &ticket, command).await)
    }

    /// Consumes nothing until it is resumed. The listener stays enabled and keeps its position.
    async fn listener_pause(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerPauseInput,
    ) -> Option<Result<ListenerPayload>> {
        let key = input.idempotency_key.as_deref();
        let expected = input.expected_revision;
        let ticket = Ticket::new("listenerPause", Some(&id), &input, key, expected);
        let command = |listener: &ListenerId| {
            Ok(PauseListener {
                listener: listener.clone(),
            })
        };
        Some(change(ctx, &id, &ticket, command).await)
    }

    /// Consumes again from where it was paused.
    async fn listener_resume(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerResumeInput,
    ) -> Option<Result<ListenerPayload>> {
        let key = input.idempotency_key.as_deref();
        let expected = input.expected_revision;
        let ticket = Ticket::new("listenerResume", Some(&id), &input, key, expected);
        let command = |listener: &ListenerId| {
            Ok(ResumeListener {
                listener: listener.clone(),
            })
        };
        Some(change(ctx, &id, &ticket, command).await)
    }

    /// Sends faulty messages to a topic of the same broker.
    async fn listener_set_dlq(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerSetDlqInput,
    ) -> Option<Result<ListenerPayload>> {
        let key = input.idempotency_key.as_deref();
        let expected = input.expected_revision;
        let ticket = Ticket::new("listenerSetDlq", Some(&id), &input, key, expected);
        let command = |listener: &ListenerId| {
            let dlq = input.dlq.parse();
            Ok(SetDlq {
                listener: listener.clone(),
                dlq: dlq.map_err(|error| UserError::bad_name(&error, &["input", "dlq"]))?,
            })
        };
        Some(change(ctx, &id, &ticket, command).await)
    }

    /// Leaves the listener without a dead letter queue.
    async fn listener_clear_dlq(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerClearDlqInput,
    ) -> Option<Result<ListenerPayload>> {
        let key = input.idempotency_key.as_deref();
        let expected = input.expected_revision;
        let ticket = Ticket::new("listenerClearDlq", Some(&id), &input, key, expected);
        let command = |listener: &ListenerId| {
            Ok(ClearDlq {
                listener: listener.clone(),
            })
        };
        Some(change(ctx, &id, &ticket, command).await)
    }

    /// Stops consuming. The position stays on the broker.
    async fn listener_disable(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: ListenerDisableInput,
    ) -> Option<Result<ListenerPayload>> {
        let key = input.idempotency_key.as_deref();
        let expected = input.expected_revision;
        let ticket = Ticket::new("listenerDisable", Some(&id), &input, key, expected);
        let command = |listener: &ListenerId| {
            Ok(DisableListener {
                listener: listener.clone(),
                cause: None,
            })
        };
        Some(change(ctx, &id, &ticket, command).await)
    }
}

async fn enable(ctx: &Context<'_>, input: ListenerEnableInput) -> Result<ListenerPayload> {
    let key = input.idempotency_key.as_deref();
    let expected = input.expected_revision;
    let ticket = Ticket::new("listenerEnable", None, &input, key, expected);
    let mut command = match enable_command(&input) {
        Ok(command) => command,
        Err(error) => return Ok(ListenerPayload::refused(error)),
    };
    let flow = Flow::Listener(command.listener.clone());
    command.flows = cycle::flows_beyond(ctx, &flow).await?;
    let mut payload = finish(ctx, &ticket, &command.listener, &command).await?;
    if payload.position.is_some() {
        payload.warnings = cycle::warnings(ctx, &flow).await?;
    }
    Ok(payload)
}

/// The command, without the flows that there are.
fn enable_command(input: &ListenerEnableInput) -> Result<EnableListener, UserError> {
    let dlq = input.dlq.as_ref().map(|dlq| dlq.parse()).transpose();
    Ok(EnableListener {
        listener: ListenerId {
            topic: id::topic(&input.topic_id)
                .map_err(|error| UserError::bad_id(&error, &["input", "topicId"]))?,
            algorithm: id::algorithm(&input.algorithm_id)
                .map_err(|error| UserError::bad_id(&error, &["input", "algorithmId"]))?,
        },
        version: input
            .version
            .parse()
            .map_err(|error| UserError::bad_name(&error, &["input", "version"]))?,
        settings: input.settings.settings()?,
        dlq: dlq.map_err(|error| UserError::bad_name(&error, &["input", "dlq"]))?,
        paused: input.paused,
        flows: Flows::default(),
        allow_cycle: input.allow_cycle,
    })
}

/// Executes the command that `make` makes for the listener of `id`.
async fn change<C: Command>(
    ctx: &Context<'_>,
    id: &ID,
    ticket: &Ticket<'_>,
    make: impl FnOnce(&ListenerId) -> Result<C, UserError>,
) -> Result<ListenerPayload> {
    let listener = match id::listener(id) {
        Ok(listener) => listener,
        Err(error) => return Ok(ListenerPayload::refused(UserError::bad_id(&error, &["id"]))),
    };
    match make(&listener) {
        Ok(command) => finish(ctx, ticket, &listener, &command).await,
        Err(error) => Ok(ListenerPayload::refused(error)),
    }
}

async fn finish<C: Command>(
    ctx: &Context<'_>,
    ticket: &Ticket<'_>,
    listener: &ListenerId,
    command: &C,
) -> Result<ListenerPayload> {
    Ok(match execute(ctx, ticket, command).await? {
        // The only argument of a listener's mutations whose refusal does not say what it is about.
        Err(error) if error.code == UserErrorCode::UnknownTopic => {
            ListenerPayload::refused(error.or_about(&["input", "dlq"]))
        }
        Err(error) => ListenerPayload::refused(error),
        Ok(position) => {
            let view = View::live(ctx);
            let row = view.model().listener(listener).await;
            ListenerPayload::done(view.show(row, Listener)?, position)
        }
    })
}
