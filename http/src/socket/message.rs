//! What a client says over the socket, and how much of it.

use async_graphql::Request;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::Instant;

use crate::frequency::Frequency;

/// The longest message that is read, in bytes: what a POST may have, and its frame.
pub(super) const LONGEST_MESSAGE: usize = 129 * 1024;

/// The longest message that is received. What is longer than those that are read can still be told
/// by its id that it is too long.
pub(super) const LONGEST_FRAME: usize = 2 * LONGEST_MESSAGE;

/// The longest id of a subscription, in bytes: each answer repeats it.
const LONGEST_ID: usize = 256;

/// The most frames of a client in a minute, and at once. Enough to subscribe to all that a socket
/// may have twice.
const MOST_FRAMES: u32 = 100;

/// A message of `graphql-transport-ws`.
pub(super) enum FromClient {
    Init,
    Ping,
    Pong,
    Subscribe {
        id: String,
        request: Box<Request>,
    },
    /// A subscription that is longer than any that is read.
    TooLong {
        id: String,
    },
    Complete {
        id: String,
    },
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Wire<P> {
    ConnectionInit {},
    Ping {},
    Pong {},
    Subscribe { id: String, payload: P },
    Complete { id: String },
}

impl FromClient {
    /// The message in a text; none where it is not one of the protocol.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let message = if text.len() > LONGEST_MESSAGE {
            let Wire::Subscribe {
                id,
                payload: IgnoredAny,
            } = serde_json::from_str(text).ok()?
            else {
                return None;
            };
            Self::TooLong { id }
        } else {
            match serde_json::from_str(text).ok()? {
                Wire::ConnectionInit {} => Self::Init,
                Wire::Ping {} => Self::Ping,
                Wire::Pong {} => Self::Pong,
                Wire::Subscribe { id, payload } => Self::Subscribe {
                    id,
                    request: payload,
                },
                Wire::Complete { id } => Self::Complete { id },
            }
        };
        message
            .id()
            .is_none_or(|id| id.len() <= LONGEST_ID)
            .then_some(message)
    }

    fn id(&self) -> Option<&str> {
        match self {
            Self::Subscribe { id, .. } | Self::TooLong { id } | Self::Complete { id } => Some(id),
            Self::Init | Self::Ping | Self::Pong => None,
        }
    }
}

/// How many more frames a client may send.
#[derive(Debug)]
pub(super) struct Budget {
    frames: Frequency,
    /// Frames that are expected of it, and so cost nothing: the end of each subscription, and the
    /// answer to each of our pings.
    expected: u32,
}

impl Budget {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            frames: Frequency::new(MOST_FRAMES, now),
            expected: 0,
        }
    }

    /// One more frame will come of itself.
    pub(super) fn expect(&mut self) {
        self.expected = self.expected.saturating_add(1);
    }

    /// Whether the client may send a frame now; `expected` where it is one of those.
    pub(super) fn take(&mut self, expected: bool, now: Instant) -> bool {
        if expected && self.expected > 0 {
            self.expected -= 1;
            return true;
        }
        self.frames.take(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_subscription_is_known_by_its_id_and_nothing_else_may_be_long() {
        let long = " ".repeat(LONGEST_MESSAGE);
        let subscribe =
            format!(r#"{{"type":"subscribe","id":"7","payload":{{"query":"{long}"}}}}"#);
        let message = FromClient::parse(&subscribe);
        assert!(matches!(message, Some(FromClient::TooLong { id }) if id == "7"));
        let ping = format!(r#"{{"type":"ping","payload":{{"x":"{long}"}}}}"#);
        assert!(FromClient::parse(&ping).is_none());
    }

    #[test]
    fn an_id_that_every_answer_would_repeat_is_short() {
        let complete = |length| format!(r#"{{"type":"complete","id":"{}"}}"#, "x".repeat(length));
        assert!(FromClient::parse(&complete(LONGEST_ID)).is_some());
        assert!(FromClient::parse(&complete(LONGEST_ID + 1)).is_none());
    }

    #[test]
    fn frames_that_are_expected_cost_nothing_and_others_do() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        for _ in 0..MOST_FRAMES {
            assert!(budget.take(false, now));
            budget.expect();
            assert!(budget.take(true, now));
        }
        assert!(!budget.take(true, now));
        assert!(!budget.take(false, now));
    }
}
