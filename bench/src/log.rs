//! The event log: how fast it takes commands and appends, is read, followed and verified, on each
//! backend, beside what the same disk and database do without it.

pub(crate) mod backend;
mod load;
mod raw;
mod reading;

use std::time::Duration;

use clap::Args;

use self::backend::{Backend, Log};
use self::load::Load;
use crate::stats::{median, median_duration};

#[derive(Args, Clone)]
pub(crate) struct LogArgs {
    /// The backends, in this order.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["sqlite", "postgres", "kurrentdb"])]
    backends: Vec<Backend>,
    /// Callers at once, each waiting for its answer before it asks again.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    callers: Vec<usize>,
    /// Seconds that each rate is measured for.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Events of the log that is read and verified.
    #[arg(long, default_value_t = 200_000)]
    events: u64,
    /// Runs of each; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

impl Default for LogArgs {
    fn default() -> Self {
        Self {
            backends: vec![Backend::Sqlite, Backend::Postgres, Backend::Kurrentdb],
            callers: vec![1, 16, 64],
            seconds: 3,
            events: 200_000,
            runs: 3,
        }
    }
}

impl LogArgs {
    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

pub(crate) async fn run(args: &LogArgs) {
    println!(
        "# The event log: {} s a rate, {} events to read, medians of {} runs, fsync on everywhere",
        args.seconds, args.events, args.runs
    );
    let syncs = repeat(args, async || raw::fdatasyncs(args.time())).await;
    println!("bare disk: {syncs:.0} fdatasync/s after a write of 4 KiB");
    for backend in &args.backends {
        println!("## {}", backend.settings());
        bare(*backend, args).await;
        for load in [Load::Commands, Load::Appends] {
            for callers in &args.callers {
                under_load(*backend, load, *callers, args).await;
            }
        }
        read(*backend, args).await;
    }
}

/// Commands a second through the engine, on SQLite and without HTTP.
pub(crate) async fn commands(callers: usize, time: Duration) -> f64 {
    let log = Backend::Sqlite.new_log().await;
    let measured = load::run(&log, Load::Commands, callers, time).await;
    log.remove().await;
    measured.rate
}

/// What the same database takes in rows of the same size, with nothing else to it.
async fn bare(backend: Backend, args: &LogArgs) {
    if !backend.takes_rows() {
        return;
    }
    for rows in [1, 64, 1000] {
        let rate = repeat(args, async || {
            let log = backend.new_log().await;
            let rate = raw::inserts(log.bare().await, rows, args.time()).await;
            log.remove().await;
            rate
        });
        println!("bare inserts, {rows:>4} a commit: {:>7.0}/s", rate.await);
    }
}

async fn under_load(backend: Backend, load: Load, callers: usize, args: &LogArgs) {
    let (mut rates, mut halves, mut most) = (Vec::new(), Vec::new(), Vec::new());
    let (mut lags, mut longest) = (Vec::new(), Vec::new());
    for _ in 0..args.runs {
        let log = backend.new_log().await;
        let mut measured = load::run(&log, load, callers, args.time()).await;
        log.remove().await;
        rates.push(measured.rate);
        halves.push(measured.answers.percentile(0.5));
        most.push(measured.answers.percentile(0.99));
        lags.push(measured.lags.percentile(0.5));
        longest.push(measured.lags.percentile(0.99));
    }
    println!(
        "{load}, {callers:>3} callers: {:>6.0}/s, p50 {:.2?}, p99 {:.2?}; \
         a follower sees them p50 {:.2?}, p99 {:.2?} after the answer",
        median(&mut rates),
        median_duration(&mut halves),
        median_duration(&mut most),
        median_duration(&mut lags),
        median_duration(&mut longest),
    );
}

async fn read(backend: Backend, args: &LogArgs) {
    let log = backend.new_log().await;
    reading::fill(&log, args.events).await;
    let rate = repeat(args, async || reading::whole(&log, args.events).await);
    println!("the whole log is read at {:.0} events/s", rate.await);
    let checkpoints = reading::sign(&log).await;
    let rate = repeat(args, async || {
        reading::verify(&log, &checkpoints, args.events).await
    });
    println!("`audit verify` proves {:.0} events/s", rate.await);
    log.remove().await;
}

/// The median of the runs of `measure`.
async fn repeat(args: &LogArgs, measure: impl AsyncFn() -> f64) -> f64 {
    let mut figures = Vec::new();
    for _ in 0..args.runs {
        figures.push(measure().await);
    }
    median(&mut figures)
}
