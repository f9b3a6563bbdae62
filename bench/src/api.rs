//! The API over HTTP: mutations beside a bare server and the bare engine, and a large inventory:
//! read, rebuilt, started from, and seen as it was.

mod inventory;
mod load;
mod past;
mod reading;
mod starting;

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use self::inventory::Size;
use self::load::Body;
use crate::binary::Running;
use crate::stats::{median, median_duration};
use crate::{endpoint, log};

/// What callers send to make an organization.
const CREATE: &str = "mutation($name: String!) { organizationCreate(input: { name: $name }) { \
                      organization { id name } userErrors { code message } position } }";

#[derive(Args, Clone)]
pub(crate) struct ApiArgs {
    /// Clients at once, each waiting for its answer before it asks again.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    clients: Vec<usize>,
    /// Seconds that each rate is measured for.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Runs of each; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Events of the log with the inventory.
    #[arg(long, default_value_t = 1_000_000)]
    events: usize,
    /// Brokers of the inventory.
    #[arg(long, default_value_t = 100)]
    brokers: usize,
    /// Topics of each broker, with a grant on each.
    #[arg(long, default_value_t = 1_000)]
    topics: usize,
    /// Listeners in all.
    #[arg(long, default_value_t = 10_000)]
    listeners: usize,
}

impl Default for ApiArgs {
    fn default() -> Self {
        Self {
            clients: vec![1, 16, 64],
            seconds: 3,
            runs: 3,
            events: 1_000_000,
            brokers: 100,
            topics: 1_000,
            listeners: 10_000,
        }
    }
}

impl ApiArgs {
    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn size(&self) -> Size {
        Size {
            brokers: self.brokers,
            topics: self.topics,
            listeners: self.listeners,
            events: self.events,
        }
    }
}

pub(crate) async fn run(args: &ApiArgs) {
    println!(
        "# The API over HTTP: {} s a rate, medians of {} runs, SQLite, fsync on",
        args.seconds, args.runs
    );
    for clients in &args.clients {
        mutations(*clients, args).await;
    }
    // Not where temporary files may be in memory.
    let data = tempfile::tempdir_in("target").unwrap();
    let size = args.size();
    let events = inventory::fill(data.path(), &size).await;
    println!(
        "## {events} events: {} brokers, {} topics with a grant each, {} listeners",
        size.brokers,
        size.brokers * size.topics,
        size.listeners
    );
    starting::run(data.path(), events, args.runs).await;
    // Before the reading, beside which no snapshots are made then.
    past::run(data.path(), events, args.runs).await;
    let server = Running::start(data.path()).await;
    for clients in [1, 4] {
        reading::run(server.url(), clients, args).await;
    }
    server.stop().await;
}

async fn mutations(clients: usize, args: &ApiArgs) {
    let (mut rates, mut halves, mut most) = (Vec::new(), Vec::new(), Vec::new());
    let (mut bare, mut engine) = (Vec::new(), Vec::new());
    for _ in 0..args.runs {
        let (_endpoint, url) = endpoint::start().await;
        let body = create();
        bare.push(load::run(&url, clients, args.time(), body, "").await.rate);
        engine.push(log::commands(clients, args.time()).await);
        let data = tempfile::tempdir_in("target").unwrap();
        let server = Running::start(data.path()).await;
        let done = "\"userErrors\":[]";
        let measured = load::run(server.url(), clients, args.time(), create(), done).await;
        server.stop().await;
        let mut answers = measured.answers;
        rates.push(measured.rate);
        halves.push(answers.percentile(0.5));
        most.push(answers.percentile(0.99));
    }
    println!(
        "mutations, {clients:>3} clients: {:>6.0}/s, p50 {:.2?}, p99 {:.2?}; a bare server that \
         answers 500 bytes {:.0}/s, the engine without HTTP {:.0}/s",
        median(&mut rates),
        median_duration(&mut halves),
        median_duration(&mut most),
        median(&mut bare),
        median(&mut engine),
    );
}

fn create() -> Body {
    Arc::new(|client, number| {
        let name = format!("o{client}-{number}");
        json!({ "query": CREATE, "variables": { "name": name } }).to_string()
    })
}
