//! Runs real brokers for a person who tries things or runs single tests.

use std::io;

use crate::failure::{Doing, Failure};
use crate::kafka::{self, Kafka};
use crate::prerequisites;

/// Returns at the end of standard input; Ctrl-C ends xtask, and the brokers with it.
pub(crate) fn run() -> Result<(), Failure> {
    prerequisites::ensure(&[prerequisites::KAFKA])?;
    let kafka = Kafka::start()?;
    eprintln!("Kafka serves clients at {}", kafka.address());
    eprintln!("export {}={}", kafka::ADDRESS_VARIABLE, kafka.address());
    eprintln!("Ctrl-C or the end of standard input ends it");
    io::copy(&mut io::stdin(), &mut io::sink()).doing(|| "read standard input".to_owned())?;
    Ok(())
}
