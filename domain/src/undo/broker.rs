//! Taking back what happened to brokers.

use super::{Inverse, NoUndo, Past, Standing, unless_changed};
use crate::broker::{
    BrokerConnected, BrokerCredentialsRotated, DisconnectBroker, Phase, RotateCredentials,
};
use crate::credential::CredentialRef;

pub(super) fn connected(e: &BrokerConnected, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(past.now.broker.phase == Phase::Alive)?;
    Ok(Inverse::DisconnectBroker(DisconnectBroker {
        broker: e.broker,
    }))
}

pub(super) fn rotated(e: &BrokerCredentialsRotated, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(credential(past.now) == Some(&e.credential))?;
    Ok(Inverse::RotateCredentials(RotateCredentials {
        broker: e.broker,
        credential: credential(past.before).ok_or(NoUndo::ChangedSince)?.clone(),
    }))
}

fn credential(standing: &Standing) -> Option<&CredentialRef> {
    standing.broker.settings.as_ref()?.credential()
}
