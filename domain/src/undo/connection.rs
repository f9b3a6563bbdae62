//! Taking back what happened to broker connections.

use super::{Inverse, NoUndo, Past, Standing, unless_changed};
use crate::connection::{
    BrokerConnected, BrokerCredentialsRotated, DisconnectBroker, Phase, RotateCredentials,
};
use crate::credential::CredentialRef;

pub(super) fn connected(e: &BrokerConnected, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(past.now.connection.phase == Phase::Alive)?;
    Ok(Inverse::DisconnectBroker(DisconnectBroker {
        connection: e.connection,
    }))
}

pub(super) fn rotated(e: &BrokerCredentialsRotated, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(credential(past.now) == Some(&e.credential))?;
    Ok(Inverse::RotateCredentials(RotateCredentials {
        connection: e.connection,
        credential: credential(past.before).ok_or(NoUndo::ChangedSince)?.clone(),
    }))
}

fn credential(standing: &Standing) -> Option<&CredentialRef> {
    standing.connection.settings.as_ref()?.credential()
}
