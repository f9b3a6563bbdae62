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
use tokio_util::sync::CancellationToken;

use crate::audit::config::CheckpointArgs;
use crate::config::Settings;
use crate::logging::LogFormat;
use crate::serve::Server;

/// The topics of the demo, with their partitions.
const TOPICS: [(&str, i32); 3] = [("orders", 2), ("scores", 2), ("orders-dlq", 1)];

/// The options of `eventflows demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The address to serve on; with port 0 a free one is chosen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Keep the data here; without it, it is thrown away at the end.
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

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the demo until Ctrl-C.
///
/// # Errors
/// A part cannot be started.
pub async fn run(args: DemoArgs) -> Result<(), Failure> {
    let scratch = tempfile::tempdir()?;
    let data = args.data.clone();
    let server = Server::start(Settings {
        listen: args.listen,
        data: data.clone().unwrap_or_else(|| scratch.path().to_owned()),
        log_url: None,
        read_models_url: None,
        administrator: "admin".to_owned(),
        graphiql: args.graphiql.clone(),
        log: args.log,
        checkpoints: CheckpointArgs::default(),
    })
    .await?;
    let kafka = EmbeddedKafka::start(&TOPICS)?;
    let bootstrap = kafka.bootstrap_servers().join(",");
    let algorithm = algorithm::serve().await?;
    let flow = flow::set_up(server.schema(), &bootstrap, algorithm).await?;

    let stop = CancellationToken::new();
    let producer = Arc::new(messages::Producer::new(kafka.settings()).await?);
    let rate = args.rate.clamp(0.01, 1000.0);
    let stream = tokio::spawn(producer.run(Duration::from_secs_f64(1.0 / rate), stop.clone()));

    flow.first_result(server.schema()).await?;
    // Before the guide: whoever reads it may press Ctrl-C at once.
    let stopped = crate::serve::stop_signal();
    say(&flow.guide(server.address(), &bootstrap, &args));
    stopped.await;
    say("\nStopping.");
    stop.cancel();
    stream.await?;
    server.stop().await?;
    Ok(())
}

#[expect(
    clippy::print_stdout,
    reason = "the demo talks to the person who started it"
)]
fn say(text: &str) {
    println!("{text}");
}
