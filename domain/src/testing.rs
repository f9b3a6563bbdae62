//! The vocabulary of tests: ids and events in short words, a clock that stands, ids that count.
//!
//! The other crates have it by the feature `testing`. The words are of one small cluster: an
//! algorithm `acme/score` between topics of a broker `main`. A topic given by its name alone is on
//! that broker, a listener or publisher given by its topic alone is of that algorithm, and an
//! access alone is permitted to that algorithm.
#![expect(
    clippy::unwrap_used,
    reason = "a test whose words do not parse has failed"
)]

mod environment;
mod events;
#[cfg(test)]
mod given;
mod ids;
mod log;
mod runs;

pub use self::environment::{CountingIds, FixedClock, ManualClock};
pub use self::events::*;
#[cfg(test)]
pub(crate) use self::given::given;
pub use self::ids::*;
pub use self::log::{meta, unknown_event, user};
pub use self::runs::run;
