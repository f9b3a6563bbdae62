//! The reference: rdkafka's consumer, hyper-util's client, rdkafka's producer. A call's slot is
//! free once its answer is there; producing goes on behind it.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rdkafka::ClientConfig;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{FlowArgs, Kafka, Measured};

/// Answers that may wait to be produced.
const PRODUCING: usize = 10_000;

pub(super) async fn run(kafka: &Kafka, url: &str, args: &FlowArgs, run: usize) -> Measured {
    let results = kafka.results("bare", run).await;
    let stop = CancellationToken::new();
    let group = format!("bare-{}-{run}", kafka.orders);
    let looping = tokio::spawn(pump(
        kafka.settings.bootstrap_servers.join(","),
        (kafka.orders.clone(), results.clone(), group),
        url.to_owned(),
        args.concurrency,
        stop.clone(),
    ));
    let measured = kafka
        .measure(&results, args.messages, std::process::id())
        .await;
    stop.cancel();
    looping.await.unwrap();
    measured
}

async fn pump(
    servers: String,
    (orders, results, group): (String, String, String),
    url: String,
    concurrency: usize,
    stop: CancellationToken,
) {
    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", &servers)
        .set("group.id", group)
        .set("auto.offset.reset", "earliest")
        .set("fetch.queue.backoff.ms", "50")
        .create()
        .unwrap();
    consumer.subscribe(&[&orders]).unwrap();
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", &servers)
        .set("enable.idempotence", "true")
        .set("compression.codec", "lz4")
        .set("linger.ms", "5")
        .create()
        .unwrap();
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(concurrency)
        .build(connector);
    let calls = Arc::new(Semaphore::new(concurrency));
    let producing = Arc::new(Semaphore::new(PRODUCING));
    loop {
        let message = tokio::select! {
            () = stop.cancelled() => return,
            message = consumer.recv() => message.unwrap(),
        };
        let body = Bytes::copy_from_slice(message.payload().unwrap());
        let key = message.key().map(<[u8]>::to_vec).unwrap_or_default();
        let call = Arc::clone(&calls).acquire_owned().await.unwrap();
        let place = Arc::clone(&producing).acquire_owned().await.unwrap();
        let (client, producer) = (client.clone(), producer.clone());
        let request = Request::post(&url).body(Full::new(body)).unwrap();
        let results = results.clone();
        tokio::spawn(async move {
            let response = client.request(request).await.unwrap();
            let answer = response.into_body().collect().await.unwrap().to_bytes();
            drop(call);
            let record = FutureRecord::to(&results).key(&key).payload(&answer[..]);
            producer.send(record, Timeout::Never).await.unwrap();
            drop(place);
        });
    }
}
