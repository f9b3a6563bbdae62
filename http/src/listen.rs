//! Where the server listens: on loopback, unless its settings say that other machines may
//! reach it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

/// Why the server does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "{0} can be reached from other machines, and there is no sign-in: anybody who reaches it is \
         the administrator. Listen on 127.0.0.1, or set `--allow-unauthenticated-network` \
         (EVENTFLOWS_ALLOW_UNAUTHENTICATED_NETWORK) where the network itself lets in nobody else"
    )]
    UnauthenticatedNetwork(SocketAddr),
    #[error("cannot listen on {address}")]
    Bind {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
}

/// Listens on `address`, which other machines may reach only if that is `allowed`; answers the
/// address with the port that was chosen.
///
/// # Errors
/// Other machines reach `address` and nobody said that they may, or it cannot be bound.
pub async fn open(
    address: SocketAddr,
    allowed: bool,
) -> Result<(TcpListener, SocketAddr), ListenError> {
    if !is_loopback(address) {
        if !allowed {
            return Err(ListenError::UnauthenticatedNetwork(address));
        }
        tracing::warn!(
            %address,
            "there is no sign-in: anybody who reaches this address is the administrator"
        );
    }
    let failed = |source| ListenError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// The URL of the API for this machine, where the server listens on `address`.
#[must_use]
pub fn url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}/graphql", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_what_no_other_machine_reaches() {
        for text in [
            "127.0.0.1:1",
            "127.8.8.8:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(is_loopback(text.parse().unwrap()), "{text}");
        }
        for text in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[::ffff:192.0.2.1]:1"] {
            assert!(!is_loopback(text.parse().unwrap()), "{text}");
        }
    }

    #[tokio::test]
    async fn an_address_that_others_reach_is_refused_unless_it_is_allowed() {
        let every: SocketAddr = ([0, 0, 0, 0], 0).into();
        let refused = open(every, false).await;
        assert!(
            matches!(refused, Err(ListenError::UnauthenticatedNetwork(address)) if address == every)
        );
        let (_listener, address) = open(every, true).await.unwrap();
        assert_ne!(address.port(), 0);
    }

    #[test]
    fn the_url_is_one_that_a_client_can_use() {
        for (address, wanted) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080/graphql"),
            ("0.0.0.0:8080", "http://127.0.0.1:8080/graphql"),
            ("[::]:8080", "http://[::1]:8080/graphql"),
            ("192.0.2.1:80", "http://192.0.2.1:80/graphql"),
        ] {
            assert_eq!(url(address.parse().unwrap()), wanted);
        }
    }
}
