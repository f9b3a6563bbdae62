//! `eventflows export`, `diff` and `apply`: the arguments of the desired state's commands.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use client::{Client, ServerUrl};
use desired::{Console, Options, Prune};
use domain::Ids;

use crate::failure::Failure;

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
    wanted: WantedArgs,
}

/// The options of `eventflows apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    #[command(flatten)]
    wanted: WantedArgs,
    /// Print what would change and change nothing: the same as `diff`.
    #[arg(long)]
    dry_run: bool,
    /// Enable listeners and publishers even if messages would then go round in a cycle.
    #[arg(long)]
    allow_cycles: bool,
}

/// What is wanted, and of which server.
#[derive(Debug, Args)]
struct WantedArgs {
    /// Files with YAML documents; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Remove everything in the cluster that no document names: disable listeners and publishers,
    /// revoke grants, disconnect brokers, withdraw versions, retire algorithms, remove members.
    /// Organizations stay. `apply` removes at most MAX things; without MAX, at most a tenth of
    /// what there is, or nothing if no terminal is attached.
    #[arg(long, value_name = "MAX", num_args = 0..=1, require_equals = true)]
    prune: Option<Option<usize>>,
    #[command(flatten)]
    server: ServerArgs,
}

impl WantedArgs {
    fn client(&self) -> Result<Client, Failure> {
        client(&self.server)
    }

    fn options(self, allow_cycles: bool) -> Options {
        let attended = io::stdin().is_terminal() && io::stdout().is_terminal();
        Options {
            files: self.files,
            prune: match self.prune {
                None => Prune::No,
                Some(Some(limit)) => Prune::AtMost(limit),
                Some(None) if attended => Prune::Attended,
                Some(None) => Prune::Unattended,
            },
            allow_cycles,
        }
    }
}

fn client(args: &ServerArgs) -> Result<Client, Failure> {
    Ok(Client::new(args.server.clone())?)
}

/// Writes what the cluster holds to standard output.
///
/// # Errors
/// The server does not answer, or standard output is closed.
pub async fn export(args: ExportArgs) -> Result<ExitCode, Failure> {
    let client = client(&args.server)?;
    on_console(async |console| desired::export(&client, console).await).await?;
    Ok(ExitCode::SUCCESS)
}

/// Prints what would change; the code is 2 where that is anything.
///
/// # Errors
/// The documents are wrong or cannot be applied, or the server does not answer.
pub async fn diff(args: DiffArgs) -> Result<ExitCode, Failure> {
    let client = args.wanted.client()?;
    let options = args.wanted.options(false);
    let differs = on_console(async |console| desired::diff(&client, &options, console).await);
    Ok(if differs.await? {
        ExitCode::from(DIFFERENT)
    } else {
        ExitCode::SUCCESS
    })
}

/// Makes the cluster hold what the documents say, one change after the other.
///
/// # Errors
/// The documents are wrong or cannot be applied, they would remove too much, or a change is
/// refused. What was changed before that stays.
pub async fn apply(args: ApplyArgs, ids: &dyn Ids) -> Result<ExitCode, Failure> {
    if args.dry_run {
        let wanted = args.wanted;
        return diff(DiffArgs { wanted }).await;
    }
    let client = args.wanted.client()?;
    let options = args.wanted.options(args.allow_cycles);
    let run = ids.next();
    on_console(async |console| desired::apply(&client, &options, run, console).await).await?;
    Ok(ExitCode::SUCCESS)
}

async fn on_console<T>(
    command: impl AsyncFnOnce(&mut Console<'_>) -> Result<T, desired::Failure>,
) -> Result<T, Failure> {
    let (mut input, mut output, mut notes) = (io::stdin(), io::stdout(), io::stderr());
    let mut console = Console {
        input: &mut input,
        output: &mut output,
        notes: &mut notes,
    };
    Ok(command(&mut console).await?)
}
