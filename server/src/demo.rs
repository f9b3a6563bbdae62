//! The demo: everything on embedded parts, and a flow to look at.

pub mod algorithm;
pub mod flow;
pub mod messages;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use brokers::kafka::EmbeddedKafka;
use clap::Args;
use client::Client;
use tokio_util::sync::CancellationToken;
use workers::MEMORY_BYTES;

use crate::checkpoints::CheckpointArgs;
use crate::config::Settings;
use crate::environment::RandomIds;
use crate::failure::Failure;
use crate::logging::LogFormat;
use crate::serve::Server;

/// The topics of the demo, with their partitions.
const TOPICS: [(&str, i32); 3] = [("orders", 2), ("scores", 2), ("orders-dlq", 1)];

/// The options of `eventflows demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The address to serve on; with port 0, a free port is chosen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Keep the data here; without this option, it is deleted at the end.
    #[arg(long)]
    data: Option<PathBuf>,
    /// A directory with GraphiQL's files.
    #[arg(long)]
    graphiql: Option<PathBuf>,
    /// Messages per second.
    #[arg(long, default_value_t = 2.0)]
    rate: f64,
    /// How to write logs to standard error.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) log: LogFormat,
}

/// Runs the demo until Ctrl-C.
///
/// # Errors
/// A part cannot be started.
pub async fn run(args: DemoArgs) -> Result<(), Failure> {
    let scratch = tempfile::tempdir().map_err(Failure::Scratch)?;
    let data = args.data.clone();
    let mut server = Server::start(Settings {
        listen: args.listen,
        allow_unauthenticated_network: false,
        remote_workers: false,
        public_url: None,
        data: data.clone().unwrap_or_else(|| scratch.path().to_owned()),
        log_url: None,
        read_models_url: None,
        journal_url: None,
        adopt_journal: false,
        worker_memory: MEMORY_BYTES,
        administrator: "admin".to_owned(),
        graphiql: args.graphiql.clone(),
        log: args.log,
        checkpoints: CheckpointArgs::default(),
    })
    .await?;
    let kafka = EmbeddedKafka::start(&TOPICS)?;
    let bootstrap = kafka.bootstrap_servers().join(",");
    let algorithm = algorithm::serve().await.map_err(Failure::Algorithm)?;
    let url = format!("http://{}", server.address());
    let url = url.parse().expect("an address makes a URL");
    let client = Client::new(url)?;
    let flow = flow::set_up(&client, &RandomIds, &bootstrap, algorithm).await?;

    let stop = CancellationToken::new();
    let producer = Arc::new(messages::Producer::new(kafka.settings()).await?);
    let rate = args.rate.clamp(0.01, 1000.0);
    let stream = tokio::spawn(producer.run(Duration::from_secs_f64(1.0 / rate), stop.clone()));

    flow.first_result(&client).await?;
    // Before the guide: its reader may press Ctrl-C at once.
    let stopped = crate::signal::stop_signal();
    say(&flow.guide(server.address(), &bootstrap, &args));
    tokio::select! {
        () = stopped => {}
        () = server.failed() => {}
    }
    say("\nStopping.");
    stop.cancel();
    stream.await.map_err(|source| Failure::Panicked {
        part: "the demo's producer",
        source,
    })?;
    server.stop().await
}

#[expect(
    clippy::print_stdout,
    reason = "the demo talks to the person who started it"
)]
fn say(text: &str) {
    println!("{text}");
}
