//! On whose behalf a request is executed. Until there is identity that is the administrator of the
//! configuration, whoever asks; this is the one place that decides it.

use std::net::SocketAddr;

use api::Principal;

use super::Site;

pub(super) fn of(site: &Site, client: SocketAddr) -> Principal {
    Principal {
        actor: site.settings.actor.clone(),
        client_address: Some(client.ip().to_string()),
    }
}
