//! `eventflows log`: what an operator does with the event log as a whole.

mod copy;

use clap::{Args, Subcommand};

use self::copy::CopyArgs;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The options of `eventflows log`.
#[derive(Debug, Args)]
pub struct LogArgs {
    #[command(subcommand)]
    command: LogCommand,
}

#[derive(Debug, Subcommand)]
enum LogCommand {
    /// Copy a log into another backend, byte for byte: events, their ids, times and order, and the
    /// records that let a repeated command be answered as before. Stopped at any moment, it goes
    /// on where it was. At the end both logs have the same Merkle root.
    Copy(CopyArgs),
}

/// Runs a command on the log.
///
/// # Errors
/// A log cannot be used, or the one that is copied to holds something else.
pub async fn run(args: LogArgs) -> Result<(), Failure> {
    match args.command {
        LogCommand::Copy(args) => copy::run(&args).await,
    }
}
