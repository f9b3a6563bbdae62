//! Checks and tests everything, in the order in which failures are cheapest to find.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment;
use crate::failure::Failure;
use crate::kafka::{self, Kafka};
use crate::kurrentdb::{self, KurrentDb};
use crate::postgres::{self, Postgres};
use crate::prerequisites;
use crate::process;
use crate::python;
use crate::schema;
use crate::steps::Steps;
use crate::tidy;

/// Tells the tests that minutes may be spent on what seconds can only sample.
const LONG_VARIABLE: &str = "EVENTFLOWS_TEST_LONG";
/// Names the backend of the event log that scenarios run on.
const LOG_VARIABLE: &str = "EVENTFLOWS_TEST_LOG";
const DENY: [&str; 5] = ["deny", "check", "licenses", "bans", "sources"];

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
    steps.take("clippy", || {
        cargo("clippy --workspace --all-targets --locked -- -D warnings")
    })?;
    steps.take("schema", schema::check)?;
    steps.take("doc", || {
        let mut doc = process::cargo("doc --workspace --no-deps --locked".split(' '));
        process::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    })?;
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
        None => steps.take("python", python::ensure)?,
    };
    let servers = (kafka.as_ref(), postgres.as_ref(), python.as_path());
    steps.take("test", || test(servers, extent))?;
    if extent == Extent::Long {
        steps.take("on postgres", || {
            // The audit scenarios tamper with a SQLite file, so they stay on it; the log's faults
            // are those of both.
            let scenarios =
                "--package tests --test scenarios -- --skip audit:: --skip log_faults::";
            let mut scenarios = cargo_test(scenarios, servers);
            process::run(scenarios.env(LOG_VARIABLE, "postgres"))
        })?;
        steps.take("on kurrentdb", || on_kurrentdb(servers))?;
    }
    drop((kafka, postgres));
    deny(steps)
}

fn ensure_prerequisites() -> Result<(), Failure> {
    let mut groups = vec![prerequisites::BUILD, prerequisites::CHECKS];
    if environment::variable(kafka::ADDRESS_VARIABLE).is_none() {
        groups.push(prerequisites::KAFKA);
    }
    if environment::variable(postgres::ADDRESS_VARIABLE).is_none() {
        groups.push(prerequisites::POSTGRES);
    }
    prerequisites::ensure(&groups)?;
    prerequisites::ensure_components()
}

fn test(servers: Servers<'_>, extent: Extent) -> Result<(), Failure> {
    let mut test = cargo_test("--workspace", servers);
    if extent == Extent::Long {
        test.env(LONG_VARIABLE, "1");
    }
    process::run(&mut test)
}

/// The scenarios on the stand-in, or on the real server that the environment names.
fn on_kurrentdb(servers: Servers<'_>) -> Result<(), Failure> {
    let scenarios = "--package tests --test scenarios -- --skip audit:: --skip log_";
    let mut scenarios = cargo_test(scenarios, servers);
    scenarios.env(LOG_VARIABLE, "kurrentdb");
    if environment::variable(kurrentdb::ADDRESS_VARIABLE).is_some() {
        return process::run(&mut scenarios);
    }
    let server = KurrentDb::start()?;
    process::run(scenarios.env(kurrentdb::ADDRESS_VARIABLE, server.url()))
}

/// Those that were started here, the environment names the others; and Python with the original's
/// client.
type Servers<'a> = (Option<&'a Kafka>, Option<&'a Postgres>, &'a Path);

fn cargo_test(what: &str, (kafka, postgres, python): Servers<'_>) -> Command {
    let mut test = process::cargo(["test", "--locked"]);
    test.env(python::PROGRAM_VARIABLE, python);
    test.args(what.split(' '));
    if let Some(kafka) = kafka {
        test.env(kafka::ADDRESS_VARIABLE, kafka.address());
    }
    if let Some(postgres) = postgres {
        test.env(postgres::ADDRESS_VARIABLE, postgres.url());
    }
    test
}

/// Advisories are not among these checks: their database needs the network, these do not.
fn deny(steps: &mut Steps) -> Result<(), Failure> {
    if process::succeeds(&mut process::cargo(["deny", "--version"])) {
        return steps.take("deny", || process::run(&mut process::cargo(DENY)));
    }
    let command = DENY.join(" ");
    steps.leave_out(
        "deny",
        &format!("cargo-deny is not installed: `cargo install --locked cargo-deny`, then `cargo {command}`"),
    );
    Ok(())
}

fn cargo(arguments: &str) -> Result<(), Failure> {
    process::run(&mut process::cargo(arguments.split(' ')))
}
