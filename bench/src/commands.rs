//! Commands through the engine on SQLite with `synchronous=FULL`, beside the bare disk.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::organization::CreateOrganization;
use domain::{Actor, CommandId, CorrelationId};
use engine::{Engine, Outcome, Request};
use event_store::SqliteEventStore;
use server::environment::{RandomIds, SystemClock};
use tokio::task::JoinSet;

use crate::stats::{percentile, rate};

/// How long each figure is measured.
const TIME: Duration = Duration::from_secs(5);

pub(crate) async fn run() {
    println!("# Commands through the engine, SQLite WAL, synchronous=FULL, one event each");
    let directory = tempfile::tempdir_in("target").unwrap();
    println!(
        "fdatasync of 4 KiB, bare: {:.0}/s",
        fdatasyncs(directory.path())
    );
    for callers in [1, 16, 64] {
        let path = directory.path().join(format!("{callers}.db"));
        let (done, mut latencies) = commands(&path, callers).await;
        println!(
            "{callers:>3} callers: {:>6.0} commands/s, p50 {:.2?}, p99 {:.2?}",
            rate(done, TIME),
            percentile(&mut latencies, 0.5),
            percentile(&mut latencies, 0.99),
        );
    }
}

async fn commands(path: &Path, callers: usize) -> (u64, Vec<Duration>) {
    let clock = Arc::new(SystemClock);
    let store = SqliteEventStore::open(path, clock.clone()).await.unwrap();
    let engine = Arc::new(Engine::new(Arc::new(store), clock, Arc::new(RandomIds)));
    let end = Instant::now() + TIME;
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let engine = Arc::clone(&engine);
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while Instant::now() < end {
                let start = Instant::now();
                let name = format!("o{caller}-{}", latencies.len());
                create(&engine, &name).await;
                latencies.push(start.elapsed());
            }
            latencies
        });
    }
    let latencies = tasks.join_all().await.concat();
    (latencies.len() as u64, latencies)
}

async fn create(engine: &Engine, name: &str) {
    let command = CommandId(engine.next_id());
    let request = Request {
        actor: Actor::User {
            name: "bench".to_owned(),
        },
        command,
        fingerprint: [0; 32],
        correlation: CorrelationId(command.0),
        causation: None,
        client_address: None,
        expected_revision: None,
    };
    let name = name.parse().unwrap();
    let outcome = engine.execute(&CreateOrganization { name }, &request).await;
    assert!(matches!(outcome.unwrap(), Outcome::Accepted(_)));
}

fn fdatasyncs(directory: &Path) -> f64 {
    let mut file = File::create(directory.join("raw")).unwrap();
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(2) {
        file.write_all(&[0; 4096]).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    rate(count, start.elapsed())
}
