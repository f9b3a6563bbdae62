//! `eventflows audit`: what an auditor asks of the log, of a server that runs or of a copy.

pub mod config;
pub mod export;
pub mod key;
mod organization;
pub mod post;
mod proof;
pub mod replay;
mod row;
mod verify;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use event_store::audit::{CheckpointDir, Verifier};
use event_store::{EventStore, SqliteEventStore};

use self::export::ExportArgs;
use self::proof::{CheckProofArgs, ProveArgs};
use self::replay::ReplayArgs;
use self::verify::VerifyArgs;
use crate::config::LogUrl;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The options of `eventflows audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Compare the whole log with all signed checkpoints; fail and name the first bad position
    /// where it is not what was signed.
    Verify(VerifyArgs),
    /// Write a proof that the log holds an event, or that it continues an earlier checkpoint.
    Prove(ProveArgs),
    /// Check such a proof, with nothing but the public key.
    CheckProof(CheckProofArgs),
    /// Write events as JSON Lines or CSV.
    Export(ExportArgs),
    /// Print the state at a time or position as JSON: brokers, grants, listeners, publishers,
    /// and who could read what.
    Replay(ReplayArgs),
}

/// Where the log is.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// The data directory of the server, which may be running.
    #[arg(long, env = "EVENTFLOWS_DATA", default_value = "data")]
    data: PathBuf,
    /// The event log, where it is not in the data directory: `sqlite:PATH` or `postgres://…`.
    #[arg(long, env = "EVENTFLOWS_LOG_URL", hide_env_values = true)]
    log_url: Option<LogUrl>,
}

/// Where the checkpoints are, and whose they must be.
#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// The directory of checkpoints.
    #[arg(long, env = "EVENTFLOWS_CHECKPOINTS")]
    checkpoints: PathBuf,
    /// A file with the public key; keep one of your own, since whoever can change the
    /// checkpoints can change the one beside them [default: log.vkey beside the checkpoints].
    #[arg(long)]
    public_key: Option<PathBuf>,
}

/// Runs an audit command; verification that finds a problem fails without an error.
///
/// # Errors
/// The log, the checkpoints or a file cannot be used, or a proof proves nothing.
pub async fn run(args: AuditArgs) -> Result<ExitCode, Failure> {
    match args.command {
        AuditCommand::Verify(args) => return verify::run(&args).await,
        AuditCommand::Prove(args) => proof::prove(&args).await?,
        AuditCommand::CheckProof(args) => proof::check(&args)?,
        AuditCommand::Export(args) => export::run(&args).await?,
        AuditCommand::Replay(args) => replay::run(&args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

impl LogArgs {
    /// Opens the log to read it alone.
    async fn open(&self) -> Result<Arc<dyn EventStore>, Failure> {
        Ok(match &self.log_url {
            Some(url) => event_store::open_read_only(url.as_str()).await?,
            None => {
                let path = self.data.join("log.db");
                Arc::new(SqliteEventStore::open_read_only(&path).await?)
            }
        })
    }
}

impl TrustArgs {
    fn directory(&self) -> CheckpointDir {
        CheckpointDir::new(&self.checkpoints)
    }

    fn verifier(&self) -> Result<Verifier, Failure> {
        match &self.public_key {
            Some(path) => read_public_key(path),
            None => read_public_key(&self.directory().public_key()),
        }
    }
}

fn read_public_key(path: &Path) -> Result<Verifier, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("cannot read the public key {}: {error}", path.display()))?;
    Ok(text.parse()?)
}

/// Where an answer is written: a file, or standard output.
fn output(file: Option<&Path>) -> Result<Box<dyn Write + Send>, Failure> {
    Ok(match file {
        Some(path) => Box::new(BufWriter::new(fs::File::create(path)?)),
        None => Box::new(BufWriter::new(io::stdout())),
    })
}
