//! `eventflows export`, `diff` and `apply`: the desired state of a cluster as documents.
//!
//! They are clients of a server's API like any other: what they change goes through the same
//! mutations, is refused for the same reasons and is recorded in the same way.

mod apply;
mod broker;
mod change;
mod client;
mod cluster;
mod difference;
mod document;
mod input;
mod mutation;
mod pages;
mod problem;
mod revision;
mod settings;
mod shown_broker;
mod state;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use domain::Ids;

use self::apply::Apply;
use self::change::Change;
use self::client::{Client, ServerUrl};
use self::cluster::Cluster;
use self::difference::difference;
use self::problem::{Problem, topics};
use self::state::State;
use crate::environment::RandomIds;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What `diff` ends with where something would change.
const DIFFERENT: u8 = 2;

/// Which server is asked.
#[derive(Debug, Args)]
struct ServerArgs {
    /// The server, as `http://HOST:PORT` or `https://HOST:PORT`.
    #[arg(
        long,
        env = "EVENTFLOWS_SERVER",
        default_value = "http://127.0.0.1:8080"
    )]
    server: ServerUrl,
}

/// The options of `eventflows export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    server: ServerArgs,
}

/// The options of `eventflows diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    #[command(flatten)]
    wanted: Wanted,
}

/// The options of `eventflows apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    #[command(flatten)]
    wanted: Wanted,
    /// Change nothing, and print what would change: the same as `diff`.
    #[arg(long)]
    dry_run: bool,
    /// Enable listeners and publishers although messages then go round and round.
    #[arg(long)]
    allow_cycles: bool,
}

/// What is wanted, and of which server.
#[derive(Debug, Args)]
struct Wanted {
    /// Files with YAML documents; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Remove what no document names: listeners, publishers, grants, brokers and members; withdraw
    /// versions and retire algorithms. Organizations stay.
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Why a desired state cannot be reached: all reasons, a line each.
#[derive(Debug, thiserror::Error)]
#[error("this cannot be made so:{}", lines(.0))]
struct Unreachable(Vec<Problem>);

fn lines(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect()
}

/// Why an apply ended early.
#[derive(Debug, thiserror::Error)]
#[error(
    "{done} of {all} changes were made, from where applying again goes on; this one was not:\n{change}"
)]
struct Stopped {
    done: usize,
    all: usize,
    change: Change,
    source: apply::ApplyError,
}

/// Writes what the cluster holds to standard output.
///
/// # Errors
/// The server does not answer, or standard output is closed.
pub async fn export(args: ExportArgs) -> Result<ExitCode, Failure> {
    let client = Client::new(&args.server.server)?;
    let cluster = Cluster::read(&client).await?;
    let documents = cluster.actual.state.documents();
    let text = serde_saphyr::to_string_multiple(&documents)?;
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Prints what would change; the code is 2 where that is anything.
///
/// # Errors
/// The documents are wrong or cannot be made so, or the server does not answer.
pub async fn diff(args: DiffArgs) -> Result<ExitCode, Failure> {
    let client = Client::new(&args.wanted.server.server)?;
    let (_, changes) = plan(&args.wanted, &client).await?;
    show(&changes)?;
    Ok(if changes.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(DIFFERENT)
    })
}

/// Makes the cluster hold what the documents say, one change after the other.
///
/// # Errors
/// The documents are wrong or cannot be made so, or a change is refused; what was made before it
/// stays.
pub async fn apply(args: ApplyArgs) -> Result<ExitCode, Failure> {
    if args.dry_run {
        let wanted = args.wanted;
        return diff(DiffArgs { wanted }).await;
    }
    let client = Client::new(&args.wanted.server.server)?;
    let (cluster, changes) = plan(&args.wanted, &client).await?;
    let mut out = io::stdout();
    let removals = changes.iter().filter(|change| change.removes()).count();
    if removals > 0 {
        writeln!(
            out,
            "{} changes, {removals} of them removals",
            changes.len()
        )?;
    }
    let mut apply = Apply::new(&client, cluster, RandomIds.next(), args.allow_cycles);
    for (done, change) in changes.iter().enumerate() {
        let made = apply.make(change).await;
        let warnings = made.map_err(|source| Stopped {
            done,
            all: changes.len(),
            change: change.clone(),
            source,
        })?;
        writeln!(out, "{change}")?;
        for warning in warnings {
            eprintln!("warning: {warning}");
        }
    }
    writeln!(out, "{}", summary(&changes))?;
    Ok(ExitCode::SUCCESS)
}

/// What the cluster holds, and what is to change.
async fn plan(wanted: &Wanted, client: &Client) -> Result<(Cluster, Vec<Change>), Failure> {
    let desired = input::read(&wanted.files)?;
    let mut cluster = Cluster::read(client).await?;
    let changes = difference(&desired, &cluster.actual, wanted.prune).map_err(Unreachable)?;
    let missing = missing_topics(&desired, &mut cluster, client).await?;
    if !missing.is_empty() {
        return Err(Unreachable(missing).into());
    }
    if wanted.prune {
        let named = &desired.organizations;
        let present = cluster.actual.state.organizations.keys();
        for name in present.filter(|name| !named.contains_key(*name)) {
            eprintln!("note: organization {name} is named nowhere and stays as it is");
        }
    }
    Ok((cluster, changes))
}

/// The topics that a broker is known not to have. Those of a broker that is yet to be connected
/// are looked for then.
async fn missing_topics(
    desired: &State,
    cluster: &mut Cluster,
    client: &Client,
) -> Result<Vec<Problem>, Failure> {
    let mut missing = Vec::new();
    for (broker, topic, by) in topics(desired) {
        if cluster.ids.brokers.contains_key(&broker)
            && cluster.topic(client, &broker, &topic).await?.is_none()
        {
            missing.push(Problem::NoTopic { by, broker, topic });
        }
    }
    Ok(missing)
}

fn show(changes: &[Change]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for change in changes {
        writeln!(out, "{change}")?;
    }
    writeln!(out, "{}", summary(changes))
}

fn summary(changes: &[Change]) -> String {
    let removals = changes.iter().filter(|change| change.removes()).count();
    match changes.len() {
        0 => "no change".to_owned(),
        1 => format!("1 change, {removals} of them a removal"),
        all => format!("{all} changes, {removals} of them removals"),
    }
}
