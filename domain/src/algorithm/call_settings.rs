//! How the endpoint of a version is called.

use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// The longest a call may take, in milliseconds: the original's maximum of 3,000 seconds.
const LONGEST_TIMEOUT_MS: u64 = 3_000_000;

/// The longest wait for a connection, in milliseconds.
const LONGEST_CONNECT_TIMEOUT_MS: u64 = 60_000;

/// How long the parts of a call may take, in milliseconds, and what is known of the endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSettings {
    /// Until there is a connection. None means [`CallSettings::CONNECT_TIMEOUT_MS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout_ms: Option<u64>,
    /// From the beginning of the call until the head of the answer is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_timeout_ms: Option<u64>,
    /// Between two pieces of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_ms: Option<u64>,
    /// Whether the endpoint may put calls of several callers into one batch, and refuse all of them
    /// for one: what it refuses beside other calls is always asked once more alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub batches_callers: bool,
}

impl CallSettings {
    /// How long connecting may take where nothing else is said.
    pub const CONNECT_TIMEOUT_MS: u64 = 3_000;

    /// Whether each value is within its bounds, of calls that take up to `timeout_ms` in all.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(self, timeout_ms: u64) -> Result<(), Refusal> {
        let within = Refusal::unless_within;
        within("timeoutMs", timeout_ms, 1..=LONGEST_TIMEOUT_MS)?;
        if let Some(connect) = self.connect_timeout_ms {
            let longest = LONGEST_CONNECT_TIMEOUT_MS;
            within("connectTimeoutMs", connect, 1..=longest)?;
        }
        if let Some(first_byte) = self.first_byte_timeout_ms {
            within("firstByteTimeoutMs", first_byte, 1..=timeout_ms)?;
        }
        if let Some(idle) = self.idle_timeout_ms {
            within("idleTimeoutMs", idle, 1..=timeout_ms)?;
        }
        Ok(())
    }
}
