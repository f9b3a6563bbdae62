//! Checks and tests everything, in the order in which failures are cheapest to find.

use crate::environment;
use crate::failure::Failure;
use crate::kafka::{self, Kafka};
use crate::prerequisites;
use crate::process;
use crate::schema;
use crate::steps::Steps;
use crate::tidy;

/// Tells the tests that minutes may be spent on what seconds can only sample.
const LONG_VARIABLE: &str = "EVENTFLOWS_TEST_LONG";
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
    steps.take("test", || test(kafka.as_ref(), extent))?;
    drop(kafka);
    deny(steps)
}

fn ensure_prerequisites() -> Result<(), Failure> {
    let mut groups = vec![prerequisites::BUILD, prerequisites::CHECKS];
    if environment::variable(kafka::ADDRESS_VARIABLE).is_none() {
        groups.push(prerequisites::KAFKA);
    }
    prerequisites::ensure(&groups)?;
    prerequisites::ensure_components()
}

fn test(kafka: Option<&Kafka>, extent: Extent) -> Result<(), Failure> {
    let mut test = process::cargo("test --workspace --locked".split(' '));
    if let Some(kafka) = kafka {
        test.env(kafka::ADDRESS_VARIABLE, kafka.address());
    }
    if extent == Extent::Long {
        test.env(LONG_VARIABLE, "1");
    }
    process::run(&mut test)
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
