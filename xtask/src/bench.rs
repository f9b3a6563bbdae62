//! Runs the benchmarks against real servers: those that the benchmark needs.

use crate::environment;
use crate::failure::Failure;
use crate::kafka::{self, Kafka};
use crate::postgres::{self, Postgres};
use crate::prerequisites;
use crate::process;

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    prerequisites::ensure(&[prerequisites::BUILD])?;
    // Built first, so that the compiler does not share the machine with a waiting Kafka; the
    // server too, whose memory is measured.
    process::run(&mut process::cargo(
        "build --release --package server --package bench --bins --locked".split(' '),
    ))?;
    // Not by cargo, which would build it again with the features of its own dependencies alone.
    let bench = environment::built_for_release("bench");
    let bench = bench.ok_or_else(|| Failure::new("bench is not where cargo builds for release"))?;
    let mut bench = process::program(bench);
    bench.args(arguments);
    // Held until the benchmarks are over.
    let needs = |benchmark| arguments.first().is_none_or(|first| *first == benchmark);
    let kafka = match environment::variable(kafka::ADDRESS_VARIABLE) {
        None if needs("flow") => {
            prerequisites::ensure(&[prerequisites::KAFKA])?;
            Some(Kafka::start()?)
        }
        _ => None,
    };
    if let Some(kafka) = &kafka {
        bench.env(kafka::ADDRESS_VARIABLE, kafka.address());
    }
    let postgres = match environment::variable(postgres::ADDRESS_VARIABLE) {
        None if needs("log") || needs("flow") => {
            prerequisites::ensure(&[prerequisites::POSTGRES])?;
            Some(Postgres::start()?)
        }
        _ => None,
    };
    if let Some(postgres) = &postgres {
        bench.env(postgres::ADDRESS_VARIABLE, postgres.url());
    }
    process::run(&mut bench)
}
