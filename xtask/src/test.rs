//! Checks and tests everything, in the order in which failures are cheapest to find.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::deny;
use crate::environment;
use crate::failure::Failure;
use crate::graphql;
use crate::kafka::{self, Kafka};
use crate::kurrentdb::{self, KurrentDb};
use crate::node::{self, Node};
use crate::postgres::{self, Postgres};
use crate::prerequisites::{self, Lints};
use crate::process;
use crate::python;
use crate::schema;
use crate::steps::Steps;
use crate::tidy;

/// Tells the tests that minutes may be spent on what seconds can only sample.
const LONG_VARIABLE: &str = "EVENTFLOWS_TEST_LONG";
/// Names the backend of the event log that scenarios run on.
const LOG_VARIABLE: &str = "EVENTFLOWS_TEST_LOG";

/// How much to test.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Usual,
    Long,
}

pub(crate) fn run(extent: Extent) -> Result<(), Failure> {
    let mut steps = Steps::default();
    let outcome = take_all(&mut steps, extent);
    eprint!("{}", steps.summary());
    outcome
}

fn take_all(steps: &mut Steps, extent: Extent) -> Result<(), Failure> {
    steps.take("prerequisites", ensure_prerequisites)?;
    steps.take("format", || cargo("fmt --all --check"))?;
    steps.take("tidy", tidy::run)?;
    deny(steps)?;
    lint(steps)?;
    steps.take("schema", schema::check)?;
    let node = graphql(steps)?;
    steps.take("build", || cargo("build --workspace --bins --locked"))?;
    // Held until the tests are over.
    let kafka = match environment::variable(kafka::ADDRESS_VARIABLE) {
        Some(_) => None,
        None => Some(steps.take("kafka", Kafka::start)?),
    };
    let postgres = match environment::variable(postgres::ADDRESS_VARIABLE) {
        Some(_) => None,
        None => Some(steps.take("postgres", Postgres::start)?),
    };
    let python = match environment::variable(python::PROGRAM_VARIABLE) {
        Some(program) => PathBuf::from(program),
        None => steps.take("python", python::with_client)?,
    };
    let needs = Needs {
        kafka: kafka.as_ref(),
        postgres: postgres.as_ref(),
        python: &python,
        node: node.as_deref(),
    };
    steps.take("test", || test(needs, extent))?;
    if extent == Extent::Long {
        steps.take("on postgres", || {
            // The audit scenarios tamper with a SQLite file, so they stay on it; the log's faults
            // are those of both.
            let scenarios =
                "--package tests --test scenarios -- --skip audit:: --skip log_faults::";
            let mut scenarios = cargo_test(scenarios, needs);
            process::run(scenarios.env(LOG_VARIABLE, "postgres"))
        })?;
        steps.take("on kurrentdb", || on_kurrentdb(needs))?;
        // The compiler looks deeper when it optimises, and has refused what it took before.
        steps.take("release", || {
            cargo("build --release --package server --locked")
        })?;
    }
    drop((kafka, postgres));
    Ok(())
}

fn ensure_prerequisites() -> Result<(), Failure> {
    // PostgreSQL in any case: some tests start a server of their own, to stop it.
    let mut groups = vec![
        prerequisites::BUILD,
        prerequisites::CHECKS,
        prerequisites::POSTGRES,
        prerequisites::TOOLS,
    ];
    if environment::variable(kafka::ADDRESS_VARIABLE).is_none() {
        groups.push(prerequisites::KAFKA);
    }
    prerequisites::ensure(&groups)?;
    prerequisites::ensure_components()
}

fn test(needs: Needs<'_>, extent: Extent) -> Result<(), Failure> {
    let mut test = cargo_test("--workspace --", needs);
    if extent == Extent::Long {
        test.env(LONG_VARIABLE, "1");
    }
    process::run(&mut test)
}

/// The scenarios on the stand-in, or on the real server that the environment names.
fn on_kurrentdb(needs: Needs<'_>) -> Result<(), Failure> {
    let scenarios = "--package tests --test scenarios -- --skip audit:: --skip log_";
    let mut scenarios = cargo_test(scenarios, needs);
    scenarios.env(LOG_VARIABLE, "kurrentdb");
    if environment::variable(kurrentdb::ADDRESS_VARIABLE).is_some() {
        return process::run(&mut scenarios);
    }
    let server = KurrentDb::start()?;
    process::run(scenarios.env(kurrentdb::ADDRESS_VARIABLE, server.url()))
}

/// What the tests need beside the build.
#[derive(Clone, Copy)]
struct Needs<'a> {
    /// The servers that were started here; the environment names the others.
    kafka: Option<&'a Kafka>,
    postgres: Option<&'a Postgres>,
    /// With the original's client.
    python: &'a Path,
    /// With the standard client of subscriptions, where it could be fetched.
    node: Option<&'a Path>,
}

/// `cargo test` of `what`, which ends with the arguments of the tests.
fn cargo_test(what: &str, needs: Needs<'_>) -> Command {
    let mut test = process::cargo(["test", "--locked"]);
    test.env(python::PROGRAM_VARIABLE, needs.python);
    test.args(what.split(' '));
    if let Some(kafka) = needs.kafka {
        test.env(kafka::ADDRESS_VARIABLE, kafka.address());
    }
    if let Some(postgres) = needs.postgres {
        test.env(postgres::ADDRESS_VARIABLE, postgres.url());
    }
    match needs.node {
        Some(node) => test.env(node::PROGRAM_VARIABLE, node),
        None => test.args(["--skip", "standard_client::"]),
    };
    test
}

fn deny(steps: &mut Steps) -> Result<(), Failure> {
    let Some(program) = available(steps, "deny", deny::ensure())? else {
        return Ok(());
    };
    steps.take("deny", || deny::check(&program))?;
    steps.note(deny::advice(&program));
    Ok(())
}

/// Answers the Node that has the packages of these checks.
fn graphql(steps: &mut Steps) -> Result<Option<PathBuf>, Failure> {
    let Some(node) = available(steps, "graphql", Node::ensure())? else {
        return Ok(None);
    };
    steps.take("graphql", || graphql::check(&node))?;
    Ok(Some(node.program()))
}

/// A machine that cannot fetch a tool leaves its step out, but for one that decides.
fn available<T>(
    steps: &mut Steps,
    step: &'static str,
    tool: Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    match tool {
        Err(failure) if !environment::is_ci() => {
            steps.leave_out(step, &failure.to_string());
            Ok(None)
        }
        tool => tool.map(Some),
    }
}

fn lint(steps: &mut Steps) -> Result<(), Failure> {
    let lints = prerequisites::lints()?;
    let mut clippy = process::cargo("clippy --workspace --all-targets --locked".split(' '));
    let mut doc = process::cargo("doc --workspace --no-deps --locked".split(' '));
    match lints {
        Lints::Deny => {
            clippy.args(["--", "-D", "warnings"]);
            doc.env("RUSTDOCFLAGS", "-D warnings");
        }
        Lints::Warn { note } => steps.note(note),
    }
    steps.take("clippy", || process::run(&mut clippy))?;
    steps.take("doc", || process::run(&mut doc))
}

fn cargo(arguments: &str) -> Result<(), Failure> {
    process::run(&mut process::cargo(arguments.split(' ')))
}
