//! `eventflows audit`: the arguments of the auditor's questions, and where the answers go.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use auditor::export::{Filter, Format};
use auditor::proof::Subject;
use auditor::replay::AsOf;
use auditor::{export, proof, replay, verify};
use clap::{Args, Subcommand, ValueEnum};
use domain::{EventId, OrganizationName, Position};
use event_store::audit::{CheckpointDir, Verifier};
use event_store::{EventStore, LogUrl};
use jiff::Timestamp;
use uuid::Uuid;

use crate::failure::Failure;
use crate::log;

/// The options of `eventflows audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Compare the whole log with all signed checkpoints. If they differ, fail and print the first
    /// bad position.
    Verify(VerifyArgs),
    /// Write a proof that the log holds an event, or that it continues an earlier checkpoint.
    Prove(ProveArgs),
    /// Check such a proof, with nothing but the public key.
    CheckProof(CheckProofArgs),
    /// Write events as JSON Lines or CSV.
    Export(ExportArgs),
    /// Print the state at a time or position as JSON: brokers, grants, listeners, publishers, and
    /// who could read what.
    Replay(ReplayArgs),
}

/// Where the log is.
#[derive(Debug, Args)]
struct LogArgs {
    /// The data directory of the server, which may be running.
    #[arg(long, env = "EVENTFLOWS_DATA", default_value = "data")]
    data: PathBuf,
    /// The event log, if it is not in the data directory: `sqlite:PATH` or `postgres://…`.
    #[arg(long, env = "EVENTFLOWS_LOG_URL", hide_env_values = true)]
    log_url: Option<LogUrl>,
}

/// Where the checkpoints are, and who must have signed them.
#[derive(Debug, Args)]
struct TrustArgs {
    /// The directory of checkpoints.
    #[arg(long, env = "EVENTFLOWS_CHECKPOINTS")]
    checkpoints: PathBuf,
    /// A file with the public key. Keep a copy of your own: anybody who can change the checkpoints
    /// can change the key beside them [default: log.vkey beside the checkpoints].
    #[arg(long)]
    public_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    trust: TrustArgs,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ProveArgs {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    subject: SubjectArgs,
    /// The file to write [default: standard output].
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct SubjectArgs {
    /// The id of the event to prove.
    #[arg(long)]
    event: Option<Uuid>,
    /// The position of the event to prove.
    #[arg(long)]
    position: Option<u64>,
    /// A file with a checkpoint that was kept elsewhere: proves that the newest one continues it.
    /// The log itself is not needed.
    #[arg(long)]
    from_checkpoint: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct CheckProofArgs {
    /// The file with the proof.
    #[arg(long)]
    proof: PathBuf,
    /// The file with the log's public key.
    #[arg(long)]
    public_key: PathBuf,
}

#[derive(Debug, Args)]
struct ExportArgs {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    filter: FilterArgs,
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,
    /// The file to write [default: standard output].
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ExportFormat {
    /// One JSON object per line, exactly as stored: what verifiers read.
    #[default]
    Jsonl,
    /// For spreadsheets: text that they would take for a formula is prefixed with an apostrophe.
    Csv,
}

#[derive(Debug, Args)]
struct FilterArgs {
    /// Only events after this position.
    #[arg(long, default_value_t)]
    after: u64,
    /// Only events up to this position.
    #[arg(long)]
    until: Option<u64>,
    /// Only events recorded at this time or later, for example 2026-11-21T08:00:00Z.
    #[arg(long)]
    from: Option<Timestamp>,
    /// Only events recorded before this time.
    #[arg(long)]
    to: Option<Timestamp>,
    /// Only events of this actor: user:admin, worker:ID or policy:NAME.
    #[arg(long)]
    actor: Option<String>,
    /// Only events of streams whose names begin with this text.
    #[arg(long)]
    stream: Option<String>,
    /// Only events that name this organization, or an algorithm of it.
    #[arg(long)]
    organization: Option<OrganizationName>,
    /// Only events of this type.
    #[arg(long = "type")]
    type_name: Option<String>,
}

#[derive(Debug, Args)]
struct ReplayArgs {
    #[command(flatten)]
    log: LogArgs,
    /// A position, or a time such as 2026-11-21T08:00:00Z, which means the state before the first
    /// event that was recorded later.
    #[arg(long)]
    as_of: AsOf,
}

/// Runs an audit command. A verification that finds a problem prints it and ends with 1.
///
/// # Errors
/// The log, the checkpoints or a file cannot be used, or a proof proves nothing.
pub async fn run(args: AuditArgs) -> Result<ExitCode, Failure> {
    match args.command {
        AuditCommand::Verify(args) => return verify(&args).await,
        AuditCommand::Prove(args) => prove(&args).await?,
        AuditCommand::CheckProof(args) => {
            let verifier = auditor::read_public_key(&args.public_key)?;
            print(&proof::check(&args.proof, &verifier)?)?;
        }
        AuditCommand::Export(args) => export(args).await?,
        AuditCommand::Replay(args) => {
            let scratch = tempfile::tempdir().map_err(Failure::Scratch)?;
            let state = replay::replay(args.log.open().await?, args.as_of, scratch.path()).await?;
            print(&format!("{state:#}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let verifier = args.trust.verifier()?;
    let store = args.log.open().await?;
    let report = verify::verify(store, &args.trust.directory(), &verifier).await?;
    let text = if args.json {
        verify::json(&report)
    } else {
        verify::words(&report)
    };
    print(&text)?;
    Ok(if report.is_intact() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn prove(args: &ProveArgs) -> Result<(), Failure> {
    let (verifier, directory) = (args.trust.verifier()?, args.trust.directory());
    let SubjectArgs {
        event,
        position,
        from_checkpoint,
    } = &args.subject;
    let position = position.map(|position| Subject::Position(Position(position)));
    let event = event.map(|id| Subject::Event(EventId(id)));
    let proof = match (position.or(event), from_checkpoint) {
        (Some(subject), _) => {
            let store = args.log.open().await?;
            proof::prove_event(store.as_ref(), &directory, &verifier, subject).await?
        }
        (None, Some(earlier)) => proof::prove_consistency(&directory, &verifier, earlier)?,
        (None, None) => unreachable!("one of the three is required"),
    };
    write(args.out.as_deref(), &proof)
}

async fn export(args: ExportArgs) -> Result<(), Failure> {
    let store = args.log.open().await?;
    let filter = Filter {
        after: Position(args.filter.after),
        until: args.filter.until.map(Position),
        from: args.filter.from,
        to: args.filter.to,
        actor: args.filter.actor,
        stream: args.filter.stream,
        organization: args.filter.organization,
        type_name: args.filter.type_name,
    };
    let format = match args.format {
        ExportFormat::Jsonl => Format::JsonLines,
        ExportFormat::Csv => Format::Csv,
    };
    Ok(export::export(store, &filter, format, output(args.out.as_deref())?).await?)
}

impl LogArgs {
    /// Opens the log to read it alone.
    async fn open(&self) -> Result<Arc<dyn EventStore>, Failure> {
        Ok(log::open_read_only(self.log_url.as_ref(), &self.data).await?)
    }
}

impl TrustArgs {
    fn directory(&self) -> CheckpointDir {
        CheckpointDir::new(&self.checkpoints)
    }

    fn verifier(&self) -> Result<Verifier, Failure> {
        let beside = || self.directory().public_key();
        let path = self.public_key.clone().unwrap_or_else(beside);
        Ok(auditor::read_public_key(&path)?)
    }
}

fn print(answer: &str) -> Result<(), Failure> {
    write(None, answer)
}

fn write(file: Option<&Path>, answer: &str) -> Result<(), Failure> {
    let mut out = output(file)?;
    writeln!(out, "{answer}").map_err(Failure::Output)?;
    out.flush().map_err(Failure::Output)
}

/// Where an answer is written: a file, or standard output.
fn output(file: Option<&Path>) -> Result<Box<dyn Write + Send>, Failure> {
    Ok(match file {
        Some(path) => Box::new(BufWriter::new(File::create(path).map_err(Failure::Output)?)),
        None => Box::new(BufWriter::new(io::stdout())),
    })
}
