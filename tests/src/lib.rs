//! What scenarios are written with: the real binary, a real broker, a scripted endpoint, and a
//! GraphQL client. Nothing here reaches behind a public door.
#![expect(
    clippy::unwrap_used,
    reason = "a scenario that cannot go on has failed, and says where"
)]

pub mod binary;
pub mod clock;
mod codes;
pub mod commands;
pub mod endpoint;
pub mod flow;
pub mod gateway;
pub mod graphql;
pub mod guide;
pub mod history;
pub mod kafka;
pub mod load;
pub mod log;
pub mod network;
pub mod postgres;
pub mod random;
pub mod raw;
mod signal;
pub mod strace;
pub mod wait;
pub mod witness;

pub use binary::Eventflows;
pub use clock::Clock;
pub use commands::RandomCommands;
pub use endpoint::{Answer, Call, Endpoint};
pub use flow::{Flow, FlowOptions};
pub use graphql::GraphQl;
pub use kafka::Kafka;
pub use load::Load;
pub use log::LogDatabase;
pub use postgres::Postgres;
pub use strace::{Fault, Whose};
pub use wait::{eventually, is_long};
pub use witness::Witness;
