//! How long `eventflows serve` takes to its line of readiness: with read models to build from
//! nothing, and with none to build.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::binary::Running;
use crate::stats::{median_duration, rate};

pub(super) async fn run(data: &Path, events: u64, runs: usize) {
    let mut rebuilds = Vec::new();
    let mut starts = Vec::new();
    for _ in 0..runs {
        forget_read_models(data);
        rebuilds.push(start(data).await);
        starts.push(start(data).await);
    }
    let (rebuild, start) = (median_duration(&mut rebuilds), median_duration(&mut starts));
    println!(
        "all projections are rebuilt at {:.0} events/s ({rebuild:.2?} to readiness)",
        rate(events, rebuild.saturating_sub(start))
    );
    println!("`eventflows serve` is ready after {start:.2?} where the read models are up to date");
}

async fn start(data: &Path) -> Duration {
    let asked = Instant::now();
    let server = Running::start(data).await;
    let took = asked.elapsed();
    server.stop().await;
    took
}

fn forget_read_models(data: &Path) {
    for entry in std::fs::read_dir(data).unwrap() {
        let entry = entry.unwrap();
        // A generation and its companions: `read.1.db`, `read.1.db-wal`, …
        if entry.file_name().to_string_lossy().starts_with("read.") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
}
