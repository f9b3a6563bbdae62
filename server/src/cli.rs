//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::audit::AuditArgs;
use crate::config::{ConfigError, ServeArgs};
use crate::demo::DemoArgs;
use crate::log::LogArgs;
use crate::logging::LogFormat;
use crate::{audit, demo, log, logging, serve};

/// Connects message brokers to algorithms, every step an event.
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
    let done = match Cli::parse().command {
        Command::Schema => {
            print_schema();
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve(args) => serve_until_stopped(&args),
        Command::Demo(args) => demo_until_stopped(args),
        Command::Audit(args) => run_audit(args),
        Command::Log(args) => run_log(args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("eventflows: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

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

fn run_audit(args: AuditArgs) -> Result<ExitCode, Failure> {
    logging::start(LogFormat::Text);
    runtime()?.block_on(audit::run(args))
}

fn run_log(args: LogArgs) -> Result<ExitCode, Failure> {
    logging::start(LogFormat::Text);
    runtime()?.block_on(log::run(args))?;
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> Result<tokio::runtime::Runtime, ConfigError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(ConfigError::Runtime)
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
