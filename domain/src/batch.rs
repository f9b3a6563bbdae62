//! Batches: which messages are called together, and what becomes of those whose call failed as a
//! whole. State machines without a clock or waiting.

mod collector;
mod split;

pub use self::collector::{Collector, Joined, Limits};
pub use self::split::{Outcome, Split, Whole};
