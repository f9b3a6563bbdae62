//! Runs the benchmarks against real servers: those that the benchmark needs.

use std::path::PathBuf;

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
    if needs("flow")
        && let Some(libraries) = parallel_consumer()
    {
        bench.env("EVENTFLOWS_BENCH_PARALLEL_CONSUMER", libraries);
    }
    process::run(&mut bench)
}

/// Where the libraries of Confluent's Parallel Consumer are, which are fetched with Maven. Without
/// Java and Maven, the benchmarks go without that peer.
fn parallel_consumer() -> Option<PathBuf> {
    let are_there = ["java", "mvn"]
        .into_iter()
        .all(|name| process::succeeds(process::program(name).arg("-version")));
    let libraries = environment::scratch("parallel-consumer");
    let fetched = are_there && {
        let mut maven = process::program("mvn");
        maven.args(["-q", "-B", "-f", "bench/peers/parallel-consumer/pom.xml"]);
        maven.arg("dependency:copy-dependencies");
        maven.arg(format!("-DoutputDirectory={}", libraries.display()));
        process::run(&mut maven).is_ok()
    };
    if !fetched {
        eprintln!("Parallel Consumer is left out: it needs Java 17, Maven and its packages");
    }
    fetched.then_some(libraries)
}
