//! What the runs of one workflow have in common: the trace id that travels with its messages.

use std::fmt;
use std::str::FromStr;

use super::Place;

/// The W3C trace id of a workflow.
///
/// A message that brings a trace id keeps it. For another one, the id is made of where the message
/// stands, so that each of its listeners makes the same one, and so that its runs are found by the id
/// without an index: 4 bytes of the topic, 2 of the partition, 6 of the offset, 4 of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CorrelationId(pub [u8; 16]);

/// A text that is no correlation id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a correlation id has 32 hexadecimal digits, and not zeros alone")]
pub struct NoCorrelationId;

/// The part of a correlation id that tells where its message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    topic: u32,
    pub partition: i32,
    pub offset: i64,
}

impl CorrelationId {
    /// That of the message at a place, told from others that were there before or are there on
    /// another broker by `what`: when it was sent, and its digest.
    #[must_use]
    pub fn of_place(place: Place<'_>, what: &[&[u8]]) -> Self {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&topic(place.topic).to_be_bytes());
        id[4..6].copy_from_slice(&place.partition.to_be_bytes()[2..]);
        id[6..12].copy_from_slice(&place.offset.to_be_bytes()[2..]);
        // Not zero, whatever the rest is.
        let what = hash(what).max(1);
        id[12..].copy_from_slice(&what.to_be_bytes());
        Self(id)
    }

    /// The trace id of a valid W3C trace parent.
    #[must_use]
    pub fn of_trace_parent(parent: &str) -> Option<Self> {
        parent.split('-').nth(1)?.parse().ok()
    }

    /// Where the message stands, if it is made of a place.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let Self(id) = self;
        let number = |bytes: &[u8]| bytes.iter().fold(0, |n, byte| n << 8 | i64::from(*byte));
        Standing {
            topic: u32::try_from(number(&id[..4])).unwrap_or_default(),
            partition: i32::try_from(number(&id[4..6])).unwrap_or_default(),
            offset: number(&id[6..12]),
        }
    }
}

impl Standing {
    /// Whether that may be the topic.
    #[must_use]
    pub fn is_in(&self, name: &str) -> bool {
        self.topic == topic(name)
    }
}

fn topic(name: &str) -> u32 {
    hash(&[name.as_bytes()])
}

/// FNV-1a, folded: fast, and the same everywhere. Nothing depends on its being hard to invert.
fn hash(parts: &[&[u8]]) -> u32 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let bytes = parts.iter().flat_map(|part| part.iter());
    let hash = bytes.fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
    });
    u32::try_from((hash >> 32) ^ (hash & 0xffff_ffff)).unwrap_or_default()
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for CorrelationId {
    type Err = NoCorrelationId;

    fn from_str(text: &str) -> Result<Self, NoCorrelationId> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if text.len() != 32 || !is_hex {
            return Err(NoCorrelationId);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| NoCorrelationId)?;
        if number == 0 {
            return Err(NoCorrelationId);
        }
        Ok(Self(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(topic: &str, partition: i32, offset: i64) -> Place<'_> {
        Place {
            topic,
            partition,
            offset,
        }
    }

    #[test]
    fn a_message_has_one_id_which_tells_where_it_stands() {
        let id = CorrelationId::of_place(place("orders", 3, 77), &[b"body"]);
        assert_eq!(id.to_string().parse(), Ok(id));
        let standing = id.standing();
        assert_eq!((standing.partition, standing.offset), (3, 77));
        assert!(standing.is_in("orders") && !standing.is_in("scores"));
        for other in [
            CorrelationId::of_place(place("orders", 3, 77), &[b"another"]),
            CorrelationId::of_place(place("orders", 3, 78), &[b"body"]),
            CorrelationId::of_place(place("orders", 4, 77), &[b"body"]),
            CorrelationId::of_place(place("scores", 3, 77), &[b"body"]),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn the_ids_of_a_partition_are_in_the_order_of_its_messages() {
        let ids = (0..1000).map(|offset| CorrelationId::of_place(place("orders", 1, offset), &[]));
        assert!(ids.is_sorted_by(|one, next| one.0[..12] < next.0[..12]));
    }

    #[test]
    fn a_trace_parent_has_one() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let id = CorrelationId::of_trace_parent(parent).unwrap();
        assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        for text in [
            "",
            "4bf9",
            "+bf92f3577b34da6a3ce929d0e0e4736",
            &"0".repeat(32),
        ] {
            assert_eq!(text.parse::<CorrelationId>(), Err(NoCorrelationId));
        }
    }
}
