//! Benchmarks, each beside its reference in the same run. `cargo xtask bench` runs them all.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed; its figures go to standard output"
)]

mod api;
mod binary;
mod endpoint;
mod flow;
mod log;
mod memory;
mod processor;
mod stats;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

/// The binary's own; the bare loop has it too.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measures eventflows.
#[derive(Parser)]
struct Bench {
    #[command(subcommand)]
    which: Option<Which>,
}

#[derive(Subcommand)]
enum Which {
    /// Commands and appends per second, reading and verifying, on each backend of the event log.
    Log(log::LogArgs),
    /// Mutations and queries over HTTP, a large inventory, rebuilding and starting.
    Api(api::ApiArgs),
    /// Messages per second, Kafka to HTTP to Kafka, beside a bare loop.
    Flow(flow::FlowArgs),
    /// Resident memory of an idle server.
    Memory,
    /// The trivial endpoint that the flow benchmark starts.
    #[command(hide = true)]
    Endpoint,
}

#[tokio::main]
async fn main() {
    server::logging::start(server::logging::LogFormat::Text);
    match Bench::parse().which {
        Some(Which::Log(args)) => log::run(&args).await,
        Some(Which::Api(args)) => api::run(&args).await,
        Some(Which::Flow(args)) => flow::run(&args).await,
        Some(Which::Memory) => memory::run().await,
        Some(Which::Endpoint) => endpoint::serve().await,
        None => {
            log::run(&log::LogArgs::default()).await;
            api::run(&api::ApiArgs::default()).await;
            memory::run().await;
            flow::run(&flow::FlowArgs::default()).await;
        }
    }
}
