//! Under faults in an order that a seed decides, nothing is lost, and all is decided once: by one
//! server, and by two that share log, read models and journal.

mod faulted;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tests::is_long;
use tests::random::Random;

use self::faulted::Faulted;

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
    /// Kafka takes a result and is not heard; then the server is killed.
    Unheard,
    /// The topic gets another partition.
    Partition,
    /// The topic is deleted and created again.
    Recreate,
    /// The listener is disabled and enabled.
    Disable,
    /// The endpoint takes no connections.
    Down,
    /// The endpoint fails every call.
    Failing,
    /// There is no room for the log and the journal.
    Full,
    /// The clock of the server goes far ahead or back.
    Step,
    /// The journal's database is stopped and started again.
    Away,
    /// A server leaves in order, while it has calls under way, and comes back. Of two servers.
    Leave,
}

/// Where the journal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Journal {
    /// In a file of the server.
    File,
    /// In a PostgreSQL of the test's own.
    Postgres,
    /// In a database that two servers share, with the log and the read models.
    Shared,
}

/// Runs of one kind.
struct Kind {
    test: &'static str,
    journal: Journal,
    /// The seeds of a short test, and the faults, of which each comes once.
    short: (&'static [u64], &'static [Fault]),
    /// The seeds of a long one, and the faults that come beside those of any long one, each three
    /// times.
    long: (&'static [u64], &'static [Fault]),
    anywhere: &'static [Fault],
}

const OF_A_FILE: Kind = Kind {
    test: "faults_in_any_order_lose_nothing_and_every_message_is_decided_once",
    journal: Journal::File,
    short: (
        &[5],
        &[
            Fault::Kill,
            Fault::Freeze,
            Fault::Cut,
            Fault::Unheard,
            Fault::Partition,
            Fault::Recreate,
            Fault::Disable,
            Fault::Failing,
            Fault::Full,
            Fault::Step,
        ],
    ),
    long: (&[1, 2, 3], &[Fault::Full, Fault::Step]),
    anywhere: &ANYWHERE,
};

const OF_POSTGRES: Kind = Kind {
    test: "faults_with_a_journal_in_postgresql_lose_nothing_either",
    journal: Journal::Postgres,
    short: (&[4], &[Fault::Kill, Fault::Away]),
    long: (&[1, 2, 3], &[Fault::Away]),
    anywhere: &ANYWHERE,
};

const OF_TWO: Kind = Kind {
    test: "faults_that_hit_either_of_two_servers_lose_nothing",
    journal: Journal::Shared,
    short: (&[5], &OF_TWO_SERVERS),
    long: (&[1, 2, 3], &OF_TWO_SERVERS),
    anywhere: &[],
};

/// Those that a second server makes a difference to.
const OF_TWO_SERVERS: [Fault; 6] = [
    Fault::Freeze,
    Fault::Kill,
    Fault::Leave,
    Fault::Freeze,
    Fault::Cut,
    Fault::Disable,
];

/// The faults of long runs with one server.
const ANYWHERE: [Fault; 10] = [
    Fault::Kill,
    Fault::Freeze,
    Fault::Cut,
    Fault::Stall,
    Fault::Unheard,
    Fault::Partition,
    Fault::Recreate,
    Fault::Disable,
    Fault::Down,
    Fault::Failing,
];

/// A failing run names its seed and the command that repeats it.
#[tokio::test]
async fn faults_in_any_order_lose_nothing_and_every_message_is_decided_once() {
    OF_A_FILE.run().await;
}

#[tokio::test]
async fn faults_with_a_journal_in_postgresql_lose_nothing_either() {
    OF_POSTGRES.run().await;
}

/// Each fault hits the one or the other. One that stands still does so until the other has taken over
/// its partitions and its part of the journal, and the endpoint has answered both: when it wakes, it has
/// results of its own for messages that are decided.
#[tokio::test]
async fn faults_that_hit_either_of_two_servers_lose_nothing() {
    OF_TWO.run().await;
}

impl Kind {
    /// Every run that there is to be, or the one whose seed the environment names.
    async fn run(&self) {
        let (seeds, schedule) = if is_long() {
            let (seeds, faults) = self.long;
            (seeds, [self.anywhere, faults].concat().repeat(3))
        } else {
            (self.short.0, self.short.1.to_vec())
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "a run is repeated with its seed in the environment"
        )]
        let said = std::env::var("EVENTFLOWS_TEST_SEED").ok();
        let said = said.map(|seed| vec![seed.parse().expect("a seed is a number")]);
        for seed in said.unwrap_or_else(|| seeds.to_vec()) {
            let run = AssertUnwindSafe(run(self.journal, seed, schedule.clone()));
            let long = if is_long() {
                "EVENTFLOWS_TEST_LONG=1 "
            } else {
                ""
            };
            assert!(
                run.catch_unwind().await.is_ok(),
                "repeat it: {long}EVENTFLOWS_TEST_SEED={seed} cargo test -p tests --test scenarios {}",
                self.test
            );
        }
    }
}

/// One run: each fault waits for its effect, so that one without any ends it.
async fn run(journal: Journal, seed: u64, mut schedule: Vec<Fault>) {
    let random = Random::of(seed);
    random.shuffle(&mut schedule);
    let mut faulted = Faulted::start(journal, random).await;
    for fault in &schedule {
        faulted.choose_server();
        faulted.have_calls_under_way().await;
        faulted = faulted.inject(*fault).await;
    }
    faulted.load.endpoint.release();
    faulted.some_messages().await;
    let interruptions = u32::try_from(schedule.len()).unwrap();
    let history = faulted.load.ended(&faulted.flow, interruptions).await;
    assert_eq!(history.violations(), [].into(), "{schedule:?}");
}
