//! Asks a Kafka node whether it serves clients, in the few bytes of its protocol that takes.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(1);
/// An answer about one node without topics is far smaller; more is not Kafka.
const ANSWER_LIMIT_BYTES: u32 = 64 * 1024;

/// Metadata request, version 1, correlation id 1, no client id, no topics.
#[rustfmt::skip]
const METADATA_REQUEST: [u8; 18] = [
    0, 0, 0, 14, // bytes that follow
    0, 3, 0, 1, // Metadata, version 1
    0, 0, 0, 1, // correlation id
    0xff, 0xff, // no client id
    0, 0, 0, 0, // no topics
];

/// True once the node lists itself as a live broker, which is when topics can be created.
pub(super) fn serves_clients(address: &str) -> bool {
    metadata(address).is_ok_and(|answer| lists_a_broker(&answer))
}

fn metadata(address: &str) -> io::Result<Vec<u8>> {
    let address: SocketAddr = address.parse().map_err(io::Error::other)?;
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(&METADATA_REQUEST)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > ANSWER_LIMIT_BYTES {
        return Err(io::Error::other("not an answer of Kafka"));
    }
    let mut answer = Vec::new();
    stream.take(u64::from(length)).read_to_end(&mut answer)?;
    Ok(answer)
}

/// The answer opens with the correlation id and the number of brokers, four bytes each.
fn lists_a_broker(answer: &[u8]) -> bool {
    matches!(answer, [0, 0, 0, 1, count @ ..] if count.len() >= 4 && count[..4] != [0; 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_without_live_brokers_is_not_ready() {
        assert!(lists_a_broker(&[0, 0, 0, 1, 0, 0, 0, 1, 0, 0]));
        assert!(!lists_a_broker(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
        assert!(!lists_a_broker(&[0, 0, 0, 9, 0, 0, 0, 1, 0, 0]));
        assert!(!lists_a_broker(&[0, 0, 0, 1]));
    }

    #[test]
    fn a_closed_port_is_not_ready() {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap();
        assert!(!serves_clients(&port.to_string()));
    }
}
