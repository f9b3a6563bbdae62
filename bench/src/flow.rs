//! Messages per second, Kafka → HTTP → Kafka: eventflows with durable decisions, its journal in SQLite
//! and in PostgreSQL, and a bare loop of the same clients with nothing between and nothing durable.

mod bare;
mod eventflows;

use std::time::{Duration, Instant};

use brokers::kafka::{KafkaAdmin, KafkaBroker, KafkaSettings};
use brokers::{Broker, Metadata, Outgoing};
use bytes::Bytes;
use clap::Args;
use futures_util::StreamExt;

use self::eventflows::Journal;
use crate::endpoint;
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
}

impl Default for FlowArgs {
    fn default() -> Self {
        Self {
            messages: 300_000,
            bytes: 1000,
            concurrency: 64,
            runs: 3,
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
    let (mut bares, mut ours, mut shared) = (Vec::new(), Vec::new(), Vec::new());
    for run in 1..=args.runs {
        bares.push(bare::run(&kafka, &url, args, run).await);
        ours.push(eventflows::run(&kafka, &url, args, run, Journal::Sqlite).await);
        shared.push(eventflows::run(&kafka, &url, args, run, Journal::Postgres).await);
        let last = |rates: &[f64]| rates.last().copied().unwrap_or_default();
        print(
            &format!("run {run}"),
            last(&bares),
            last(&ours),
            last(&shared),
        );
    }
    print(
        "median",
        median(&mut bares),
        median(&mut ours),
        median(&mut shared),
    );
}

fn print(what: &str, bare: f64, our: f64, shared: f64) {
    println!(
        "{what}: bare loop {bare:>6.0}/s, eventflows {our:>6.0}/s, ratio {:.2}; with its journal in \
         PostgreSQL {shared:>6.0}/s, ratio {:.2}",
        our / bare,
        shared / bare
    );
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

    /// Results per second between the first hundredth and the last of them.
    async fn measure(&self, topic: &str, messages: u64) -> f64 {
        let first = messages / 100;
        let (started, from) = self.reach(topic, first).await;
        let (ended, to) = self.reach(topic, messages).await;
        rate(to - from, ended - started)
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
