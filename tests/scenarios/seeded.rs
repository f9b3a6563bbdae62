//! Under faults in an order that a seed decides, nothing is lost, and all is decided once.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tests::load::{self, Kind, PARTITIONS};
use tests::network::Network;
use tests::random::Random;
use tests::{Eventflows, Flow, Load, eventually, is_long};

/// Calls that are under way at each fault.
const UNDER_WAY: usize = 4;

/// Messages between two faults that the endpoint answers.
const GOOD_BETWEEN: usize = 20;

/// The seeds of a short test and of a long one, and how often each fault comes.
const SHORT: (&[u64], usize) = (&[5], 1);
const LONG: (&[u64], usize) = (&[1, 2, 3], 3);

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The server is killed and started again.
    Kill,
    /// The server stands still until its group has given it up.
    Freeze,
    /// The connections to Kafka break, and others are refused.
    Cut,
    /// Nothing passes to or from Kafka.
    Stall,
    /// The topic gets another partition.
    Partition,
    /// The listener is disabled and enabled.
    Disable,
    /// The endpoint takes no connections.
    Down,
    /// The endpoint fails every call.
    Failing,
}

const FAULTS: [Fault; 8] = [
    Fault::Kill,
    Fault::Freeze,
    Fault::Cut,
    Fault::Stall,
    Fault::Partition,
    Fault::Disable,
    Fault::Down,
    Fault::Failing,
];

/// A failing run names its seed. `EVENTFLOWS_TEST_SEED=7 cargo test -p tests --test scenarios seeded`
/// repeats that of seed 7, with `EVENTFLOWS_TEST_LONG=1` a long one.
#[tokio::test]
async fn faults_in_any_order_lose_nothing_and_every_message_is_decided_once() {
    let (seeds, times) = if is_long() { LONG } else { SHORT };
    #[expect(
        clippy::disallowed_methods,
        reason = "a run is repeated with its seed in the environment"
    )]
    let said = std::env::var("EVENTFLOWS_TEST_SEED").ok();
    let said = said.map(|seed| vec![seed.parse().expect("a seed is a number")]);
    for seed in said.unwrap_or_else(|| seeds.to_vec()) {
        let run = AssertUnwindSafe(run(seed, times)).catch_unwind().await;
        let long = if is_long() {
            "EVENTFLOWS_TEST_LONG=1 "
        } else {
            ""
        };
        assert!(
            run.is_ok(),
            "repeat it: {long}EVENTFLOWS_TEST_SEED={seed} cargo test -p tests --test scenarios seeded"
        );
    }
}

async fn run(seed: u64, times: usize) {
    let random = Random::of(seed);
    let mut schedule = FAULTS.repeat(times);
    random.shuffle(&mut schedule);
    let mut faulted = Faulted::start(random).await;
    for fault in &schedule {
        faulted.have_calls_under_way().await;
        faulted = faulted.inject(*fault).await;
    }
    faulted.load.endpoint.release();
    faulted.some_messages().await;
    let interruptions = u32::try_from(schedule.len()).unwrap();
    let history = faulted.load.ended(&faulted.flow, interruptions).await;
    assert_eq!(history.violations(), [].into(), "{schedule:?}");
}

/// A flow, and what its faults are made with.
struct Faulted {
    load: Load,
    network: Network,
    eventflows: Eventflows,
    flow: Flow,
    group: String,
    partitions: i32,
    random: Random,
}

impl Faulted {
    async fn start(random: Random) -> Self {
        let mut load = Load::start().await;
        let network = Network::to(load.kafka.address()).await;
        load.kafka = load.kafka.reached_at(&network.address());
        let eventflows = Eventflows::start().await;
        let flow = Flow::set_up(&eventflows, &load.kafka, load.options()).await;
        let group = load::group(&flow).await;
        Self {
            load,
            network,
            eventflows,
            flow,
            group,
            partitions: PARTITIONS,
            random,
        }
    }

    /// Produces messages until some calls have begun that will not end. Each fault halves the calls
    /// that are made at once, and good messages bring them back.
    async fn have_calls_under_way(&mut self) {
        self.produce(&[Kind::Good; GOOD_BETWEEN]).await;
        self.load.until_all_are_settled(&self.group).await;
        self.load.hold_slow();
        self.some_messages().await;
        let before = self.load.calls().len();
        for _ in 0..UNDER_WAY {
            self.produce(&[Kind::Slow]).await;
        }
        let load = &self.load;
        eventually("calls are under way", async || {
            let calls = load.calls().into_iter().skip(before);
            let slow = calls.filter(|call| call.body.ends_with(b"Slow"));
            (slow.count() >= UNDER_WAY).then_some(())
        })
        .await;
    }

    /// Injects a fault, produces meanwhile, and has it end. It was there: each waits for its effect.
    async fn inject(mut self, fault: Fault) -> Self {
        match fault {
            Fault::Kill => {
                self.eventflows = self.eventflows.kill_and_restart().await;
                self.flow.api = self.eventflows.api();
            }
            Fault::Freeze => {
                // Its calls may have timed out when it goes on.
                self.load.excuse_calls(true);
                self.eventflows.freeze();
                self.some_messages().await;
                self.load.kafka.until_abandoned(&self.group).await;
                self.eventflows.thaw();
                self.load.excuse_calls(false);
            }
            Fault::Cut => {
                assert!(self.network.connections() > 0);
                self.network.cut();
                let network = &self.network;
                eventually("connections break", async || {
                    (network.connections() == 0).then_some(())
                })
                .await;
                self.some_messages().await;
                self.network.mend();
            }
            Fault::Stall => {
                let before = self.network.held();
                self.network.stall();
                self.load.endpoint.release();
                self.some_messages().await;
                let network = &self.network;
                eventually("requests wait", async || {
                    (network.held() > before).then_some(())
                })
                .await;
                self.network.mend();
            }
            Fault::Partition => {
                self.partitions += 1;
                self.load.kafka.widen("orders", self.partitions).await;
            }
            Fault::Disable => {
                self.load.endpoint.release();
                self.flow.disable().await;
                self.some_messages().await;
                let dlq = Some(self.load.kafka.topic("orders-dlq"));
                let settings = self.load.options().settings;
                self.flow.listener = self.flow.enable("1.0.0", settings, dlq).await;
            }
            Fault::Down => {
                self.load.excuse_calls(true);
                self.load.endpoint.go_down();
                self.some_messages().await;
                self.load.endpoint.come_back().await;
                self.load.excuse_calls(false);
            }
            Fault::Failing => self.fail_calls().await,
        }
        self.load.endpoint.release();
        let early = self.load.settled_too_early(&self.group).await;
        assert_eq!(early, [].into(), "{fault:?}");
        self
    }

    async fn fail_calls(&mut self) {
        self.load.excuse_calls(true);
        self.load.fail_calls(true);
        let before = self.load.calls().len();
        self.load.endpoint.release();
        self.some_messages().await;
        let load = &self.load;
        eventually("calls fail", async || {
            (load.calls().len() > before).then_some(())
        })
        .await;
        self.load.fail_calls(false);
        self.load.excuse_calls(false);
    }

    async fn some_messages(&mut self) {
        let kinds = [Kind::Good, Kind::Good, Kind::Flaky, Kind::Faulty];
        for _ in 0..10 + self.random.below(20) {
            let kind = kinds[self.random.index(kinds.len())];
            self.produce(&[kind]).await;
        }
    }

    async fn produce(&mut self, kinds: &[Kind]) {
        let partition = self.random.index(usize::try_from(self.partitions).unwrap());
        let partition = i32::try_from(partition).unwrap();
        self.load.produce(partition, kinds).await;
    }
}
