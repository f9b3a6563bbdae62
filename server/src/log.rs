//! Where the event log is, and `eventflows log`: what an operator does with the log as a whole.

mod copy;

use std::path::Path;
use std::sync::Arc;

use clap::{Args, Subcommand};
use domain::Clock;
use domain::lease::LeaseStore;
use event_store::open::file_in;
use event_store::{EventStore, LogUrl, OpenError, SqliteEventStore};

use self::copy::CopyArgs;
use crate::config::Settings;
use crate::failure::Failure;

/// The options of `eventflows log`.
#[derive(Debug, Args)]
pub struct LogArgs {
    #[command(subcommand)]
    command: LogCommand,
}

#[derive(Debug, Subcommand)]
enum LogCommand {
    /// Copy a log into another backend, byte for byte: events, their ids, times and order, and the
    /// records that give a repeated command the same answer. A copy that was stopped continues
    /// where it stopped. At the end, both logs have the same Merkle root.
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

/// Opens the log at `url`, or else the one in the data directory `data`.
///
/// # Errors
/// It cannot be opened.
pub async fn open(
    url: Option<&LogUrl>,
    data: &Path,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn EventStore>, OpenError> {
    match url {
        Some(url) => event_store::open(url, clock).await,
        None => Ok(Arc::new(
            SqliteEventStore::open(&file_in(data), clock).await?,
        )),
    }
}

/// Opens the leases of a server: in the database of its read models, or else of its log.
///
/// # Errors
/// It cannot be opened.
pub async fn open_leases(
    settings: &Settings,
    data: &Path,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn LeaseStore>, OpenError> {
    let clock = Arc::clone(clock);
    match settings
        .read_models_url
        .as_ref()
        .or(settings.log_url.as_ref())
    {
        Some(url) => event_store::leases::open(url, clock).await,
        None => event_store::leases::open_beside(&file_in(data), clock).await,
    }
}

/// Opens the same log to read it alone, beside a running server.
///
/// # Errors
/// It does not exist or cannot be opened.
pub async fn open_read_only(
    url: Option<&LogUrl>,
    data: &Path,
) -> Result<Arc<dyn EventStore>, OpenError> {
    match url {
        Some(url) => event_store::open_read_only(url).await,
        None => Ok(Arc::new(
            SqliteEventStore::open_read_only(&file_in(data)).await?,
        )),
    }
}
