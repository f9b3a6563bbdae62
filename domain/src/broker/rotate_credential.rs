//! Rotating the credentials of a broker.

use super::{Broker, BrokerCredentialsRotated};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::credential::CredentialRef;
use crate::envelope::StreamName;
use crate::ids::BrokerId;
use crate::refusal::Refusal;

/// Use another credential from now on. Nothing happens when it is the present one.
#[derive(Clone, Debug)]
pub struct RotateCredential {
    pub broker: BrokerId,
    pub credential: CredentialRef,
}

impl Command for RotateCredential {
    type State = Broker;

    fn stream(&self) -> StreamName {
        StreamName::broker(self.broker)
    }

    fn requires(&self) -> Right {
        Right::AdministerCluster
    }

    fn decide(&self, state: &Broker, _ctx: Ctx) -> Decided {
        state.check_connected()?;
        let present = state.settings.as_ref().and_then(|s| s.credential());
        let Some(present) = present else {
            return Err(Refusal::NoCredential);
        };
        self.credential.check("credential")?;
        if *present == self.credential {
            return Ok(vec![]);
        }
        Ok(vec![
            BrokerCredentialsRotated {
                broker: self.broker,
                credential: self.credential.clone(),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::testing::{
        broker_connected, broker_disconnected, broker_id, credential, credential_rotated, given,
        keys_connected,
    };

    fn connected() -> Event {
        keys_connected("main")
    }

    fn rotate(version: u32) -> RotateCredential {
        RotateCredential {
            broker: broker_id("main"),
            credential: credential(version),
        }
    }

    fn rotated(version: u32) -> Event {
        credential_rotated("main", version)
    }

    #[test]
    fn another_version_is_used_from_now_on() {
        given([connected()]).when(rotate(2)).then([rotated(2)]);
        given([connected(), rotated(2)])
            .when(rotate(1))
            .then([rotated(1)]);
    }

    #[test]
    fn the_present_credential_is_no_news() {
        given([connected(), rotated(2)]).when(rotate(2)).then([]);
    }

    #[test]
    fn a_broker_without_credentials_is_refused() {
        given([broker_connected("main")])
            .when(rotate(2))
            .then_refused(Refusal::NoCredential);
    }

    #[test]
    fn a_version_of_nothing_is_refused() {
        given([connected()])
            .when(rotate(0))
            .then_refused(Refusal::OutOfRange {
                field: "credential",
                rule: "a version of at least 1",
            });
    }

    #[test]
    fn a_broker_that_has_ended_is_refused() {
        given([connected(), broker_disconnected("main")])
            .when(rotate(2))
            .then_refused(Refusal::BrokerGone);
    }
}
