//! Runs the benchmarks against a real Kafka.

use crate::environment;
use crate::failure::Failure;
use crate::kafka::{self, Kafka};
use crate::prerequisites;
use crate::process;

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    prerequisites::ensure(&[prerequisites::BUILD])?;
    // Built first, so that the compiler does not share the machine with a waiting Kafka; the
    // server too, whose memory is measured.
    process::run(&mut process::cargo(
        "build --release --package server --package bench --bins --locked".split(' '),
    ))?;
    let mut bench = process::cargo("run --release --package bench --locked --".split(' '));
    bench.args(arguments);
    if environment::variable(kafka::ADDRESS_VARIABLE).is_some() {
        return process::run(&mut bench);
    }
    prerequisites::ensure(&[prerequisites::KAFKA])?;
    let kafka = Kafka::start()?;
    process::run(bench.env(kafka::ADDRESS_VARIABLE, kafka.address()))
}
