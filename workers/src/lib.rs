//! The worker: runs the consumers that the control plane assigns, and takes every message through
//! claim, invoke, decide, publish and settle.

mod confirmations;
mod connections;
mod consumer;
mod control_plane;
pub mod crash;
mod delivery;
mod direct;
pub mod journal;
mod lanes;
mod lease;
mod meters;
mod outbox;
mod pause;
mod permit;
mod publishers;
mod reconciler;
mod reporter;
mod requests;
mod resources;
mod sends;
pub mod skew;
mod statuses;
mod worker;

pub use brokers::Memory;
pub use connections::Connector;
pub use control_plane::{Transport, TransportError};
pub use direct::DirectRuns;
pub use journal::Journal;
pub use permit::{Permission, Permit, Permits, permits};
pub use worker::{MEMORY_BYTES, Worker, WorkerConfig};
