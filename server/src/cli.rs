//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::audit::AuditArgs;
use crate::config::ServeArgs;
use crate::demo::DemoArgs;
use crate::desired::{ApplyArgs, DiffArgs, ExportArgs};
use crate::environment::RandomIds;
use crate::failure::Failure;
use crate::log::LogArgs;
use crate::logging::LogFormat;
use crate::parts::PartError;
use crate::{audit, demo, desired, log, logging, serve};

/// Connects message brokers to algorithms; every step is an event.
#[derive(Debug, Parser)]
#[command(name = "eventflows", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the control plane, with a worker inside.
    Serve(ServeArgs),
    /// Run everything on embedded parts, with a flow to look at.
    Demo(DemoArgs),
    /// Write the state of a cluster as YAML documents, without secrets.
    Export(ExportArgs),
    /// Print what `apply` would change. The exit code is 0 if nothing would change, 2 if anything
    /// would, and 1 if that cannot be determined.
    Diff(DiffArgs),
    /// Bring a cluster to the state in YAML documents; applying them again changes nothing.
    Apply(ApplyArgs),
    /// Prove, export and replay the event log.
    Audit(AuditArgs),
    /// Move the event log to another backend.
    Log(LogArgs),
    /// Print the GraphQL schema.
    Schema,
}

/// Runs the command that the arguments name, to its end.
#[must_use]
pub fn run() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(usage) => return usage_code(&usage),
    };
    let done = match command {
        Command::Schema => {
            print_schema();
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve(args) => serve_until_stopped(&args),
        Command::Demo(args) => demo_until_stopped(args),
        Command::Export(args) => run_client(desired::export(args)),
        Command::Diff(args) => run_client(desired::diff(args)),
        Command::Apply(args) => run_client(desired::apply(args, &RandomIds)),
        Command::Audit(args) => run_audit(args),
        Command::Log(args) => run_log(args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("eventflows: {}", chain(&error));
            failure_code(&error)
        }
    }
}

/// 3 where only a newer version of the program can go on, since starting this one again is of no
/// use; else 1.
fn failure_code(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    if PartError::is_of_newer_event(error) {
        ExitCode::from(3)
    } else {
        ExitCode::FAILURE
    }
}

/// 1 where the arguments are wrong, since 2 is an answer of `diff`.
fn usage_code(usage: &clap::Error) -> ExitCode {
    // Where it cannot be printed there is nobody to tell.
    let _unprinted = usage.print();
    if usage.use_stderr() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn serve_until_stopped(args: &ServeArgs) -> Result<ExitCode, Failure> {
    let settings = args.settings()?;
    logging::start(settings.log);
    runtime()?.block_on(serve::run(settings))?;
    Ok(ExitCode::SUCCESS)
}

fn demo_until_stopped(args: DemoArgs) -> Result<ExitCode, Failure> {
    logging::start(args.log);
    runtime()?.block_on(demo::run(args))?;
    Ok(ExitCode::SUCCESS)
}

fn run_client(
    command: impl Future<Output = Result<ExitCode, Failure>>,
) -> Result<ExitCode, Failure> {
    logging::start(LogFormat::Text);
    runtime()?.block_on(command)
}

fn run_audit(args: AuditArgs) -> Result<ExitCode, Failure> {
    logging::start(LogFormat::Text);
    runtime()?.block_on(audit::run(args))
}

fn run_log(args: LogArgs) -> Result<ExitCode, Failure> {
    logging::start(LogFormat::Text);
    runtime()?.block_on(log::run(args))?;
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)
}

#[expect(
    clippy::print_stdout,
    reason = "the schema is what this command is for"
)]
fn print_schema() {
    print!("{}", api::sdl());
}

/// An error and its causes on one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
