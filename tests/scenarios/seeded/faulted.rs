//! A flow, its faults, and the effect by which each is known to have happened.

use std::path::Path;

use serde_json::json;
use tests::gateway::Gateway;
use tests::load::{self, Kind, PARTITIONS};
use tests::log::LogDatabase;
use tests::network::Network;
use tests::random::Random;
use tests::{Clock, Eventflows, Flow, Load, Postgres, Whose, eventually, strace};

use super::{Fault, Journal};

/// Calls that are under way at each fault.
const UNDER_WAY: usize = 4;

/// Messages between two faults that the endpoint answers.
const GOOD_BETWEEN: usize = 20;

/// The farthest step of a clock, in seconds: runs are kept for longer than a few of them.
const FARTHEST_STEP: u64 = 24 * 60 * 60;

/// An algorithm that nothing answers for, and whose results nobody takes: calling it directly takes
/// the journal and no message.
const PROBE: &str = "acme/probe";

/// A flow, and what its faults are made with.
pub(super) struct Faulted {
    /// The server that the next fault hits, and the other if there are two. They end before what they
    /// need.
    eventflows: Eventflows,
    other: Option<(Eventflows, LogDatabase)>,
    pub(super) load: Load,
    network: Network,
    clock: Clock,
    postgres: Option<Postgres>,
    pub(super) flow: Flow,
    group: String,
    partitions: i32,
    random: Random,
}

impl Faulted {
    pub(super) async fn start(journal: Journal, random: Random) -> Self {
        let mut load = Load::start().await;
        let network = Network::to(load.kafka.address()).await;
        load.kafka = load.kafka.reached_at(&network.address());
        let clock = Clock::new();
        let postgres = match journal {
            Journal::File | Journal::Shared => None,
            Journal::Postgres => Some(Postgres::start().await),
        };
        let url = postgres.as_ref().map(Postgres::url);
        let mut environment = vec![clock.variable()];
        environment.extend(
            url.iter()
                .map(|url| ("EVENTFLOWS_JOURNAL_URL", Path::new(url))),
        );
        let (eventflows, other) = if journal == Journal::Shared {
            let database = LogDatabase::postgres();
            let one = Eventflows::start_sharing(&database).await;
            let other = Eventflows::start_sharing(&database).await;
            (one, Some((other, database)))
        } else {
            (Eventflows::start_where(&environment).await, None)
        };
        let flow = Flow::set_up(&eventflows, &load.kafka, load.options()).await;
        let group = load::group(&flow).await;
        if other.is_some() {
            load.kafka.until_members(&group, 2).await;
        }
        let faulted = Self {
            eventflows,
            other,
            load,
            network,
            clock,
            postgres,
            flow,
            group,
            partitions: PARTITIONS,
            random,
        };
        faulted.register_probe().await;
        faulted
    }

    async fn register_probe(&self) {
        let api = &self.flow.api;
        let found =
            "query($id: ID!) { node(id: $id) { ... on Algorithm { organization { id } } } }";
        let found = api.ask(found, json!({ "id": self.flow.algorithm })).await;
        let input = json!({
            "organizationId": found["node"]["organization"]["id"], "name": "probe",
        });
        let register = "mutation($input: AlgorithmRegisterInput!) { \
                        it: algorithmRegister(input: $input) \
                        { algorithm { id } userErrors { code message } } }";
        let probe = api.done(register, json!({ "input": input })).await;
        // The port of discarded messages, where nobody listens.
        let nowhere = "http://127.0.0.1:9/";
        tests::flow::publish(api, &probe["algorithm"]["id"], "1.0.0", nowhere).await;
    }

    /// Produces messages until some calls have begun that will not end. Each fault halves the calls
    /// that are made at once, and good messages bring them back.
    pub(super) async fn have_calls_under_way(&mut self) {
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

    /// Decides which of two servers the next fault hits, and asks the other one from now on.
    pub(super) fn choose_server(&mut self) {
        if let Some((other, _)) = &mut self.other {
            if self.random.below(2) == 0 {
                std::mem::swap(other, &mut self.eventflows);
            }
            self.flow.api = other.api();
        }
    }

    /// Injects a fault, produces meanwhile, and has it end. It was there: each waits for its effect.
    pub(super) async fn inject(mut self, fault: Fault) -> Self {
        match fault {
            Fault::Kill => {
                self.eventflows = self.eventflows.kill_and_restart().await;
                self.ask_again();
            }
            Fault::Leave => self = self.leave().await,
            Fault::Freeze => self.freeze().await,
            Fault::Cut => self.cut().await,
            Fault::Stall => self.stall().await,
            Fault::Unheard => self = self.go_unheard().await,
            Fault::Partition => {
                self.partitions += 1;
                self.load.kafka.widen("orders", self.partitions).await;
            }
            Fault::Recreate => self.recreate().await,
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
            Fault::Full => self.fill_disk().await,
            Fault::Step => self.step_clock().await,
            Fault::Away => self.stop_database().await,
        }
        self.load.endpoint.release();
        let early = self.load.settled_too_early(&self.group).await;
        assert_eq!(early, [].into(), "{fault:?}");
        self
    }

    async fn freeze(&mut self) {
        // Its calls may have timed out when it goes on.
        self.load.excuse_calls(true);
        self.eventflows.freeze();
        self.some_messages().await;
        self.until_given_up().await;
        self.eventflows.thaw();
        self.load.excuse_calls(false);
    }

    async fn cut(&mut self) {
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

    async fn stall(&mut self) {
        let before = self.network.held();
        self.network.stall();
        self.load.endpoint.release();
        self.some_messages().await;
        self.until_held(before).await;
        self.network.mend();
    }

    async fn go_unheard(mut self) -> Self {
        let before = self.network.held();
        let kafka = &self.load.kafka;
        let written = kafka.records("scores").await.len();
        self.network.silence();
        self.load.endpoint.release();
        self.until_held(before).await;
        eventually("Kafka has a result", async || {
            (kafka.records("scores").await.len() > written).then_some(())
        })
        .await;
        self.eventflows.kill().await;
        self.network.mend();
        self.eventflows = self.eventflows.start_again().await;
        self.ask_again();
        self
    }

    async fn leave(mut self) -> Self {
        // Those that it gives up are taken back, whatever the endpoint answers then.
        self.load.excuse_calls(true);
        self.eventflows = self.eventflows.stop_and_restart(|_| {}).await;
        self.load.endpoint.release();
        self.load.until_all_are_settled(&self.group).await;
        self.load.excuse_calls(false);
        self.ask_again();
        self
    }

    /// Asks the server that was started again, if there is no other that goes on.
    fn ask_again(&mut self) {
        if self.other.is_none() {
            self.flow.api = self.eventflows.api();
        }
    }

    /// Waits until the server that stands still was given up.
    async fn until_given_up(&self) {
        let Some((_, database)) = &self.other else {
            return self.load.kafka.until_abandoned(&self.group).await;
        };
        let worker = self.eventflows.worker();
        self.load.kafka.until_members(&self.group, 1).await;
        eventually("its part of the journal is taken over", async || {
            let sql = format!("SELECT count(*) FROM journal.workers WHERE worker = '{worker}'");
            (database.query(&sql) == "0").then_some(())
        })
        .await;
        // The answers to its calls wait for it, and the other one decides meanwhile.
        self.load.endpoint.release();
        self.load.until_all_are_settled(&self.group).await;
    }

    async fn until_held(&self, before: usize) {
        let network = &self.network;
        eventually("requests or answers wait", async || {
            (network.held() > before).then_some(())
        })
        .await;
    }

    /// Who deletes a topic deletes its messages: those that there are have ended before.
    async fn recreate(&mut self) {
        self.load.endpoint.release();
        self.load.until_all_are_settled(&self.group).await;
        self.load.delete().await;
        let flow = &self.flow;
        eventually("the topic is missed", async || {
            let listener = flow.look("activity { code }").await;
            (listener["activity"]["code"] == "TOPIC_MISSING").then_some(())
        })
        .await;
        self.load.create_again(self.partitions).await;
        self.some_messages().await;
        assert!(self.load.has_messages_in_the_places_of_others());
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

    async fn fill_disk(&mut self) {
        self.load.excuse_calls(true);
        let process = Whose::Process(self.eventflows.process());
        let full = strace::Fault::inject(process, "pwrite64", "error=ENOSPC").await;
        self.load.endpoint.release();
        self.some_messages().await;
        self.until_journal_fails().await;
        let create = "mutation($name: String!) { organizationCreate(input: { name: $name }) \
                      { userErrors { code } } }";
        let api = &self.flow.api;
        let refused = eventually("the log has no room", async || {
            let name = json!({ "name": format!("full-{}", self.random.below(1 << 40)) });
            let answer = api.answer(create, name).await;
            answer["errors"][0]["extensions"]["code"]
                .as_str()
                .map(str::to_owned)
        });
        assert_eq!(refused.await, "UNAVAILABLE");
        full.lift().await;
        self.load.excuse_calls(false);
    }

    async fn step_clock(&mut self) {
        let ahead = i64::try_from(self.random.below(FARTHEST_STEP)).unwrap() + 60;
        let ahead = if self.random.below(2) == 0 {
            ahead
        } else {
            -ahead
        };
        self.clock.step_to(ahead);
        self.some_messages().await;
        let real = now();
        let flow = &self.flow;
        eventually("the journal goes by the clock", async || {
            let shown = flow.look("consumerStatuses { updatedAt }").await;
            let at = shown["consumerStatuses"][0]["updatedAt"].as_str()?;
            let at: jiff::Timestamp = at.parse().unwrap();
            let seen = at.duration_since(real).as_secs();
            ((seen - ahead).abs() < 59).then_some(())
        })
        .await;
    }

    async fn stop_database(&mut self) {
        self.load.excuse_calls(true);
        let postgres = self.postgres.as_mut().unwrap();
        postgres.stop().await;
        self.load.endpoint.release();
        self.some_messages().await;
        self.until_journal_fails().await;
        let postgres = self.postgres.as_mut().unwrap();
        postgres.start_again().await;
        self.load.excuse_calls(false);
    }

    /// Waits until nothing can be claimed.
    async fn until_journal_fails(&self) {
        let gateway = Gateway::new(self.eventflows.authority());
        eventually("the journal takes nothing", async || {
            let answer = gateway.call(PROBE, "text/plain", "probe").await;
            (answer.status == 503).then_some(())
        })
        .await;
    }

    pub(super) async fn some_messages(&mut self) {
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

#[expect(
    clippy::disallowed_methods,
    reason = "the clock that the server's is compared with"
)]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
