//! Changing a listener's settings.

use async_graphql::{ID, InputObject};
use domain::listener::ChangeListenerSettings;
use domain::{ListenerId, Position};

use super::mutation::ListenerPayload;
use super::settings::ListenerSettingsInput;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::UserError;

/// The settings to switch to.
#[derive(InputObject)]
pub struct ListenerChangeSettingsInput {
    /// All of them: what is left out has its default, whatever it was before. Where the listener
    /// starts must be what it is.
    pub settings: ListenerSettingsInput,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for ListenerChangeSettingsInput {
    type Id = ID;
    type Target = ListenerId;
    type Payload = ListenerPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, id: &ID) -> Result<ListenerId, UserError> {
        arguments::id(id, id::listener)
    }

    async fn run(&self, call: &Call<'_>, listener: &ListenerId) -> Result<Position, NotDone> {
        let command = ChangeListenerSettings {
            listener: listener.clone(),
            settings: self.settings.settings()?,
        };
        call.execute(&command).await
    }
}
