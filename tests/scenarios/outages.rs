//! Connections to Kafka that break, fall silent or are closed for idleness, again and again.

use tests::network::Network;
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka, eventually, is_long};

const PARTITIONS: i32 = 4;

/// A listener, reached through a network that fails, and how many messages it has had.
struct Distant {
    kafka: Kafka,
    network: Network,
    endpoint: Endpoint,
    _eventflows: Eventflows,
    flow: Flow,
    messages: u64,
}

impl Distant {
    async fn start() -> Self {
        let kafka = Kafka::from_environment();
        let network = Network::to(kafka.address()).await;
        let kafka = kafka.reached_at(&network.address());
        let endpoint = Endpoint::echo().await;
        let eventflows = Eventflows::start().await;
        let options = FlowOptions::to(endpoint.url("/"));
        let flow = Flow::set_up(&eventflows, &kafka, options).await;
        let mut distant = Self {
            kafka,
            network,
            endpoint,
            _eventflows: eventflows,
            flow,
            messages: 0,
        };
        distant.goes_on().await;
        distant
    }

    /// A message of each partition is called, and its result published.
    async fn goes_on(&mut self) {
        for partition in 0..PARTITIONS {
            let body = format!("{} {partition}", self.messages);
            let body = body.as_bytes();
            self.kafka.produce_to("orders", partition, body).await;
            self.messages += 1;
        }
        self.flow.until_ended(self.messages, 0).await;
        let wanted = usize::try_from(self.messages).unwrap();
        self.kafka.until_records("scores", wanted).await;
        assert_eq!(self.endpoint.calls().len(), wanted);
    }

    async fn until_no_connection(&self) {
        eventually("connections break", async || {
            (self.network.connections() == 0).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_listener_goes_on_each_time_its_broker_was_away() {
    let times = if is_long() { 20 } else { 3 };
    let mut distant = Distant::start().await;
    for _ in 0..times {
        distant.network.cut();
        distant.until_no_connection().await;
        distant.network.mend();
        distant.goes_on().await;
    }
}

/// As a broker does that is stopped with SIGSTOP.
#[tokio::test]
async fn a_listener_goes_on_after_its_broker_was_silent() {
    let mut distant = Distant::start().await;
    let before = distant.network.held();
    distant.network.stall();
    eventually("requests wait", async || {
        (distant.network.held() > before).then_some(())
    })
    .await;
    eventually("the listener says why", async || {
        let listener = distant.flow.look("activity { code }").await;
        (listener["activity"]["code"] == "BROKER_UNREACHABLE").then_some(())
    })
    .await;
    if is_long() {
        let group = tests::load::group(&distant.flow).await;
        distant.kafka.until_abandoned(&group).await;
    }
    distant.network.mend();
    distant.goes_on().await;
}

/// As a broker does with `connections.max.idle.ms`.
#[tokio::test]
async fn a_listener_goes_on_after_its_idle_connections_were_closed() {
    let times = if is_long() { 20 } else { 3 };
    let mut distant = Distant::start().await;
    for _ in 0..times {
        assert!(distant.network.connections() > 0);
        distant.network.close();
        distant.goes_on().await;
    }
}
