//! The inventory as it was: as far from a snapshot as can be, on one, near one, near a moment that
//! was just seen, and seen again.

use std::path::Path;
use std::time::{Duration, Instant};

use projections::PastLimits;
use serde_json::{Value, json};

use super::load::client;
use crate::binary::Running;
use crate::stats::median_duration;

const AS_OF: &str = "query($position: Position!) { \
                     brokers(first: 10, asOf: { position: $position }) { nodes { name } } }";

/// How far one moment is from another that is near, in events.
const NEAR: u64 = 1_000;

/// Between two looks at the directory of the snapshots.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) async fn run(data: &Path, events: u64, runs: usize) {
    let spacing = PastLimits::default().spacing;
    let (last, middle) = (events / spacing * spacing, events / 2 / spacing * spacing);
    let asked = Instant::now();
    let server = Running::start(data).await;
    while size(data, last).is_none() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    server.stop().await;
    println!(
        "asOf: all snapshots, {spacing} events from each other, were made in {:.2?}; that at \
         {middle} has {} MB, that at {last} {} MB",
        asked.elapsed(),
        size(data, middle).unwrap_or_default() / 1_000_000,
        size(data, last).unwrap_or_default() / 1_000_000
    );
    let moments = [
        ("just below a snapshot", middle - 1),
        ("just below the last snapshot", last - 1),
        ("on a snapshot", middle),
        ("near a snapshot", middle + NEAR),
        ("near an open moment", middle + 2 * NEAR),
        ("an open moment", middle + 2 * NEAR),
    ];
    let mut taken = moments.map(|_| Vec::with_capacity(runs));
    for _ in 0..runs {
        // Nothing is open.
        let server = Running::start(data).await;
        for ((_, position), taken) in moments.iter().zip(&mut taken) {
            taken.push(ask(server.url(), *position).await);
        }
        server.stop().await;
    }
    for ((what, position), mut taken) in moments.into_iter().zip(taken) {
        let took = median_duration(&mut taken);
        println!("asOf position {position}, {what}: {took:.2?}");
    }
}

async fn ask(url: &str, position: u64) -> Duration {
    let variables = json!({ "position": position.to_string() });
    let body = json!({ "query": AS_OF, "variables": variables }).to_string();
    let client = client(url);
    let start = Instant::now();
    let answer = client.post(body.into()).await.unwrap();
    let took = start.elapsed();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert!(answer["errors"].is_null(), "{answer}");
    took
}

/// How many bytes the snapshot at `position` has, if it is there.
fn size(data: &Path, position: u64) -> Option<u64> {
    for shape in std::fs::read_dir(data.join("past")).ok()? {
        for snapshot in std::fs::read_dir(shape.ok()?.path().join("snapshots")).ok()? {
            let snapshot = snapshot.ok()?;
            let name = snapshot.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(&format!("{position}-")) && name.ends_with(".db") {
                return Some(snapshot.metadata().ok()?.len());
            }
        }
    }
    None
}
