//! Messages per second, Kafka → HTTP → Kafka: eventflows with durable decisions, its journal in SQLite
//! and in PostgreSQL; a bare loop of the same clients with nothing between and nothing durable; and
//! a peer.
//!
//! Beside the rate stands the processor time that the contender itself took per message, without
//! broker, endpoint and database: it is moved little by what else the machine does.

mod bare;
mod eventflows;
mod parallel_consumer;

use std::time::{Duration, Instant};

use brokers::kafka::{KafkaAdmin, KafkaBroker, KafkaSettings};
use brokers::{Broker, Metadata, Outgoing};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use futures_util::StreamExt;

use self::eventflows::Journal;
use crate::endpoint;
use crate::processor;
use crate::stats::{median, rate};

/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// The partitions of the topics.
const PARTITIONS: i32 = 8;

#[derive(Args, Clone)]
pub(crate) struct FlowArgs {
    /// Messages a run.
    #[arg(long, default_value_t = 300_000)]
    messages: u64,
    /// Bytes a message.
    #[arg(long, default_value_t = 1000)]
    bytes: usize,
    /// Calls in flight.
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
    /// Runs of each, in turn; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// What is run; all, unless some are named.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Contender>,
}

/// What takes the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Contender {
    /// A loop around the same clients, with nothing durable. All others are compared with it.
    Bare,
    /// eventflows with its journal in SQLite.
    Sqlite,
    /// eventflows with its journal in PostgreSQL.
    Postgres,
    /// Confluent's Parallel Consumer, with 64 calls in flight.
    #[value(name = "parallel-consumer-64")]
    ParallelConsumer64,
    /// The same with 512.
    #[value(name = "parallel-consumer-512")]
    ParallelConsumer512,
}

/// What was measured of a run, between the first hundredth of its results and the last of them.
#[derive(Clone, Copy, Debug)]
struct Measured {
    /// Messages per second.
    rate: f64,
    /// Microseconds of processor time per message.
    cost: f64,
}

impl Default for FlowArgs {
    fn default() -> Self {
        Self {
            messages: 300_000,
            bytes: 1000,
            concurrency: 64,
            runs: 3,
            only: Vec::new(),
        }
    }
}

/// A Kafka with the messages to take.
struct Kafka {
    settings: KafkaSettings,
    admin: KafkaAdmin,
    orders: String,
}

pub(crate) async fn run(args: &FlowArgs) {
    println!(
        "# Kafka → HTTP → Kafka: {} messages of {} bytes, {PARTITIONS} partitions, {} calls in \
         flight, 500 bytes back",
        args.messages, args.bytes, args.concurrency
    );
    let kafka = Kafka::filled(args).await;
    let (_endpoint, url) = endpoint::start().await;
    let contenders = Contender::value_variants().iter().copied();
    let contenders: Vec<_> = contenders.filter(|one| args.runs_one(*one)).collect();
    let mut all = vec![Vec::new(); contenders.len()];
    for run in 1..=args.runs {
        for (contender, measured) in contenders.iter().zip(&mut all) {
            let one = match contender {
                Contender::Bare => bare::run(&kafka, &url, args, run).await,
                Contender::Sqlite => {
                    eventflows::run(&kafka, &url, args, run, Journal::Sqlite).await
                }
                Contender::Postgres => {
                    eventflows::run(&kafka, &url, args, run, Journal::Postgres).await
                }
                Contender::ParallelConsumer64 => {
                    parallel_consumer::run(&kafka, &url, args, run, 64).await
                }
                Contender::ParallelConsumer512 => {
                    parallel_consumer::run(&kafka, &url, args, run, 512).await
                }
            };
            println!("run {run}: {}", one.described(contender.name()));
            measured.push(one);
        }
    }
    let medians: Vec<_> = all.iter().map(|runs| Measured::median(runs)).collect();
    for (contender, median) in contenders.iter().zip(&medians) {
        let ratio = match contenders.first() {
            Some(Contender::Bare) => format!(", ratio {:.2}", median.rate / medians[0].rate),
            _ => String::new(),
        };
        println!("median: {}{ratio}", median.described(contender.name()));
    }
}

impl FlowArgs {
    fn runs_one(&self, contender: Contender) -> bool {
        if self.only.is_empty() {
            return !contender.is_peer() || parallel_consumer::libraries().is_some();
        }
        self.only.contains(&contender)
    }
}

impl Contender {
    fn is_peer(self) -> bool {
        matches!(self, Self::ParallelConsumer64 | Self::ParallelConsumer512)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare loop",
            Self::Sqlite => "eventflows, journal in SQLite",
            Self::Postgres => "eventflows, journal in PostgreSQL",
            Self::ParallelConsumer64 => "Parallel Consumer, 64 calls in flight",
            Self::ParallelConsumer512 => "Parallel Consumer, 512 calls in flight",
        }
    }
}

impl Measured {
    fn median(runs: &[Self]) -> Self {
        let of =
            |figure: fn(&Self) -> f64| median(&mut runs.iter().map(figure).collect::<Vec<_>>());
        Self {
            rate: of(|run| run.rate),
            cost: of(|run| run.cost),
        }
    }

    fn described(&self, what: &str) -> String {
        format!(
            "{what}: {:.0}/s, {:.1} µs of processor time each",
            self.rate, self.cost
        )
    }
}

/// A JSON object of so many bytes, or a little more.
fn body(bytes: usize) -> Bytes {
    let mut body = String::from(r#"{"id":"order","items":["#);
    while body.len() + 40 < bytes {
        body.push_str(r#"{"sku":"a1","amount":3,"price":19.9},"#);
    }
    body.push_str(r#"{"sku":"a1","amount":3,"price":19.9}]}"#);
    Bytes::from(body)
}

impl Kafka {
    async fn filled(args: &FlowArgs) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the broker of the benchmark")]
        let address = std::env::var("EVENTFLOWS_TEST_KAFKA")
            .expect("EVENTFLOWS_TEST_KAFKA holds the address of a Kafka: `cargo xtask bench` does");
        let settings = KafkaSettings::new(vec![address]);
        #[expect(clippy::disallowed_methods, reason = "topics that nobody else has")]
        let orders = format!("bench-{}", uuid::Uuid::new_v4().simple());
        let kafka = Self {
            admin: KafkaAdmin::new(settings.clone()).unwrap(),
            settings,
            orders,
        };
        kafka
            .admin
            .create_topic(&kafka.orders, PARTITIONS)
            .await
            .unwrap();
        let sink = KafkaBroker::new(kafka.settings.clone())
            .sink()
            .await
            .unwrap();
        let body = body(args.bytes);
        futures_util::stream::iter(0..args.messages)
            .for_each_concurrent(10_000, async |number| {
                let outgoing = Outgoing {
                    topic: kafka.orders.clone(),
                    key: Some(Bytes::from(number.to_string())),
                    headers: Vec::new(),
                    metadata: Metadata::default(),
                    body: Some(body.clone()),
                };
                sink.publish(outgoing).await.unwrap();
            })
            .await;
        kafka
    }

    /// A fresh topic for results.
    async fn results(&self, who: &str, run: usize) -> String {
        let topic = format!("{}-{who}-{run}", self.orders);
        self.admin.create_topic(&topic, PARTITIONS).await.unwrap();
        topic
    }

    async fn measure(&self, topic: &str, messages: u64, process: u32) -> Measured {
        let first = messages / 100;
        let (started, from) = self.reach(topic, first).await;
        let spent = processor::time(process);
        let (ended, to) = self.reach(topic, messages).await;
        let spent = processor::time(process) - spent;
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
        let messages = (to - from) as f64;
        Measured {
            rate: rate(to - from, ended - started),
            cost: spent.as_secs_f64() * 1e6 / messages,
        }
    }

    /// When the topic was seen to hold `wanted` messages, and how many it held then.
    async fn reach(&self, topic: &str, wanted: u64) -> (Instant, u64) {
        let began = Instant::now();
        let mut held = 0;
        while began.elapsed() < PATIENCE {
            // A topic that was just created may have no leader yet.
            if let Ok(watermarks) = self.admin.watermarks(topic).await {
                let counts = watermarks.iter().map(|mark| mark.high - mark.low);
                held = counts.sum::<i64>().unsigned_abs();
                if held >= wanted {
                    return (Instant::now(), held);
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{topic} holds {held} of {wanted} messages after {PATIENCE:?}");
    }
}
