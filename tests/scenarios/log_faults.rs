//! The event log when its process is killed, its disk fails or its database goes away.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tests::postgres::PASSWORD;
use tests::{Eventflows, Fault, GraphQl, Postgres, Whose, eventually, is_long};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::crash::{events, file_is_intact};

const CREATE: &str = "mutation($name: String!) { \
    it: organizationCreate(input: { name: $name, idempotencyKey: $name }) \
    { position userErrors { code message } } }";

/// The thread in which SQLite writes to the log.
const FILE_THREAD: &str = "event-log-file";

/// The thread of the log's writer, which talks to PostgreSQL itself.
const WRITER_THREAD: &str = "event-log";

/// What writes to a file: a crash may come before or after each of them.
const FILE_WRITES: &[&str] = &["pwrite64", "ftruncate", "fdatasync", "fsync"];

/// What writes through to the disk.
const SYNCS: &[&str] = &["fdatasync", "fsync"];

/// What talks to a database: a kill comes before it was told, or before its answer was heard.
const TALKS: &[&str] = &["sendto", "recvfrom"];

const SIGKILL: i32 = 9;

/// Far more system calls than an append makes of those kinds.
const MOST_CALLS: u32 = 200;

/// Callers that ask for commands at the same time.
const CALLERS: usize = 8;

#[tokio::test]
async fn a_kill_at_any_write_of_an_append_to_a_file_leaves_all_of_it_or_nothing() {
    let data = tempfile::tempdir().unwrap();
    let eventflows = Eventflows::start_with(data, &[]).await;
    let mut eventflows = killed_at_each(FILE_WRITES, eventflows, async |eventflows, call, kill| {
        let thread = Whose::Thread(eventflows.thread(FILE_THREAD).await);
        Fault::inject(thread, call, kill).await
    })
    .await;
    eventflows.terminate().await;
    file_is_intact(eventflows.data());
}

/// After a fault, what is in the write-ahead log is copied to the file before the next append.
#[tokio::test]
async fn a_kill_at_any_sync_of_a_checkpoint_leaves_all_of_an_append_or_nothing() {
    let data = tempfile::tempdir().unwrap();
    let eventflows = Eventflows::start_with(data, &[]).await;
    let mut eventflows = killed_at_each(SYNCS, eventflows, async |eventflows, call, kill| {
        fail_once(eventflows).await;
        // The thread that will write next is not there yet.
        let process = Whose::Process(eventflows.process());
        Fault::inject(process, call, kill).await
    })
    .await;
    eventflows.terminate().await;
    file_is_intact(eventflows.data());
}

#[tokio::test]
async fn a_kill_at_any_step_of_an_append_to_postgresql_leaves_all_of_it_or_nothing() {
    let postgres = Postgres::start().await;
    let mut eventflows = on(&postgres).await;
    eventflows = killed_at_each(TALKS, eventflows, async |eventflows, call, kill| {
        let thread = Whose::Thread(eventflows.thread(WRITER_THREAD).await);
        Fault::inject(thread, call, kill).await
    })
    .await;
    eventflows.terminate().await;
}

#[tokio::test]
async fn a_full_disk_fails_appends_until_there_is_room_again() {
    outlives("pwrite64", "error=ENOSPC", "disk is full").await;
}

#[tokio::test]
async fn a_disk_that_cannot_write_fails_appends_until_it_can_again() {
    outlives("pwrite64", "error=EIO", "disk I/O error").await;
}

#[tokio::test]
async fn a_disk_that_cannot_sync_fails_appends_until_it_can_again() {
    outlives("fdatasync,fsync", "error=EIO", "disk I/O error").await;
}

#[tokio::test]
async fn a_database_that_is_away_for_a_while_costs_no_event() {
    let refusals = if is_long() { 5 } else { 1 };
    let mut postgres = Postgres::start().await;
    let mut eventflows = on(&postgres).await;
    let api = eventflows.api();
    assert_eq!(api.get("/readyz").await.0, 200);
    let mut follower = api
        .subscribe("subscription { events { position stream } }", json!({}))
        .await;
    let load = Load::start(&api, CALLERS);
    load.until_answered(100).await;

    postgres.stop().await;
    let (status, why) = api.get("/readyz").await;
    assert_eq!(status, 503, "{why}");
    assert!(why.contains("the event log is unavailable: "), "{why}");
    assert!(why.contains("refused"), "{why}");
    assert!(!why.contains(PASSWORD), "{why}");
    // No command waits for the database to come back.
    load.until_all_are_refused(refusals).await;
    postgres.start_again().await;
    ready_again(&api).await;
    let answered = load.answered();
    load.until_answered(answered + 100).await;

    let mut created = load.stop().await;
    let total = events(&api).await.len();
    for position in 1..=total {
        let event = follower.next().await["events"].clone();
        assert_eq!(event["position"], position.to_string());
        let stream = event["stream"].as_str().unwrap();
        if let Some(name) = stream.strip_prefix("organization-") {
            assert!(created.remove(name), "{name} is there twice");
        }
    }
    assert_eq!(created, BTreeSet::new(), "are lost");
    eventflows.terminate().await;
}

/// Has the program killed by `arm` at its first system call of each kind of `calls` that it makes
/// for a command, then at its second, until the command has its answer before. After each kill the
/// command is there or it is not, and asking again answers it and does not do it twice.
async fn killed_at_each(
    calls: &[&str],
    mut eventflows: Eventflows,
    arm: impl AsyncFn(&Eventflows, &str, &str) -> Fault,
) -> Eventflows {
    let (mut nothing, mut whole) = (0, 0);
    for call in calls {
        for number in 1.. {
            assert!(number < MOST_CALLS, "{call} is called without an end");
            let fault = arm(&eventflows, call, &format!("signal=KILL:when={number}")).await;
            let organization = format!("{call}-{number}");
            if create(&eventflows.api(), &organization).await.is_some() {
                fault.lift().await;
                break;
            }
            assert_eq!(eventflows.ended().await.signal(), Some(SIGKILL));
            eventflows = eventflows.start_again().await;
            let api = eventflows.api();
            let found = positions_of(&api, &organization).await;
            let answered = create(&api, &organization).await.unwrap();
            match found[..] {
                [] => nothing += 1,
                [position] if position == answered => whole += 1,
                _ => panic!("{organization}: {found:?}, and then {answered}"),
            }
            assert_eq!(create(&api, &organization).await, Some(answered));
            assert_eq!(positions_of(&api, &organization).await, [answered]);
        }
    }
    assert!(nothing > 0 && whole > 0, "{nothing} and {whole} kills");
    eventflows
}

/// While the system `calls` have the `fault`, appends fail and `/readyz` says that it is for
/// `reason`; afterwards both go on, in the same process, and nothing is there twice.
async fn outlives(calls: &str, fault: &str, reason: &str) {
    let data = tempfile::tempdir().unwrap();
    let mut eventflows = Eventflows::start_with(data, &[]).await;
    let api = eventflows.api();
    eventually("the worker has joined, and nobody writes", async || {
        let events = events(&api).await;
        let mut streams = events.iter().filter_map(|event| event["stream"].as_str());
        streams
            .any(|stream| stream.starts_with("worker-"))
            .then_some(())
    })
    .await;
    let before = create(&api, "before").await.unwrap();
    let process = Whose::Process(eventflows.process());
    // The journal is on a disk that works: a worker may not go on where it cannot be trusted.
    let files = ["log.db", "log.db-wal"].map(|file| eventflows.data().join(file));
    let fault = Fault::inject_into(&files, process, calls, fault).await;
    for _ in 0..3 {
        fails(&api, "meanwhile").await;
        let (status, why) = api.get("/readyz").await;
        assert_eq!(status, 503, "{why}");
        assert!(why.contains(reason), "{why}");
    }
    assert_eq!(positions_of(&api, "before").await, [before]);
    assert!(positions_of(&api, "meanwhile").await.is_empty());
    fault.lift().await;

    ready_again(&api).await;
    let meanwhile = create(&api, "meanwhile").await.unwrap();
    assert_eq!(create(&api, "meanwhile").await.unwrap(), meanwhile);
    let after = create(&api, "after").await.unwrap();
    eventflows = eventflows.kill_and_restart().await;
    let api = eventflows.api();
    for (name, position) in [
        ("before", before),
        ("meanwhile", meanwhile),
        ("after", after),
    ] {
        assert_eq!(positions_of(&api, name).await, [position]);
    }
    eventflows.terminate().await;
    file_is_intact(eventflows.data());
}

/// The organization cannot be created now.
async fn fails(api: &GraphQl, organization: &str) {
    let answer = api.answer(CREATE, json!({ "name": organization })).await;
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "UNAVAILABLE", "{answer:#}");
}

/// Has an append to a file fail, so that the next one connects to it again.
async fn fail_once(eventflows: &Eventflows) {
    for number in 0..100 {
        let thread = Whose::Thread(eventflows.thread(FILE_THREAD).await);
        let fault = Fault::inject(thread, "pwrite64", "error=EIO").await;
        let name = format!("unlucky-{number}");
        let answer = eventflows
            .api()
            .answer(CREATE, json!({ "name": name }))
            .await;
        fault.lift().await;
        // Otherwise another append met the fault, or this one was done before.
        if answer["errors"].is_array() {
            return;
        }
    }
    panic!("no append failed");
}

/// A server with its log on `postgres`.
async fn on(postgres: &Postgres) -> Eventflows {
    let data = tempfile::tempdir().unwrap();
    let url = postgres.url();
    Eventflows::start_with(data, &[("EVENTFLOWS_LOG_URL", Path::new(&url))]).await
}

/// The position of what creates the organization, now or before; nothing where there is no answer.
async fn create(api: &GraphQl, organization: &str) -> Option<u64> {
    let variables = json!({ "name": organization });
    let answer = api.answer_if_any(CREATE, variables).await?;
    let done = &answer["data"]["it"];
    assert_eq!(done["userErrors"], json!([]), "{answer:#}");
    Some(number(&done["position"]))
}

/// Where the organization's events stand.
async fn positions_of(api: &GraphQl, organization: &str) -> Vec<u64> {
    let stream = json!(format!("organization-{organization}"));
    let events = events(api).await;
    let its_own = events.iter().filter(|event| event["stream"] == stream);
    its_own.map(|event| number(&event["position"])).collect()
}

fn number(position: &Value) -> u64 {
    position.as_str().unwrap().parse().unwrap()
}

async fn ready_again(api: &GraphQl) {
    eventually("the server is ready", async || {
        (api.get("/readyz").await.0 == 200).then_some(())
    })
    .await;
}

/// Callers that create organizations one after the other, each until it has an answer.
struct Load {
    callers: JoinSet<BTreeSet<String>>,
    answered: Arc<AtomicUsize>,
    /// How often each caller was told that the log is unavailable.
    refused: Vec<Arc<AtomicUsize>>,
    enough: Arc<AtomicBool>,
}

impl Load {
    fn start(api: &GraphQl, callers: usize) -> Self {
        let mut load = Self {
            callers: JoinSet::new(),
            answered: Arc::default(),
            refused: Vec::new(),
            enough: Arc::default(),
        };
        for caller in 0..callers {
            let (api, answered) = (api.clone(), Arc::clone(&load.answered));
            let (enough, refused) = (Arc::clone(&load.enough), Arc::<AtomicUsize>::default());
            load.refused.push(Arc::clone(&refused));
            load.callers.spawn(async move {
                let mut created = BTreeSet::new();
                while !enough.load(Ordering::Relaxed) {
                    let name = format!("org-{caller}-{}", created.len());
                    until_created(&api, &name, &refused).await;
                    answered.fetch_add(1, Ordering::Relaxed);
                    created.insert(name);
                }
                created
            });
        }
        load
    }

    fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    async fn until_answered(&self, wanted: usize) {
        eventually("so many answers", async || {
            (self.answered() >= wanted).then_some(())
        })
        .await;
    }

    async fn until_all_are_refused(&self, times: usize) {
        let counts = || {
            self.refused
                .iter()
                .map(|count| count.load(Ordering::Relaxed))
        };
        let before: Vec<usize> = counts().collect();
        eventually("answers while the database is away", async || {
            let mut pairs = before.iter().zip(counts());
            pairs
                .all(|(before, now)| now >= before + times)
                .then_some(())
        })
        .await;
    }

    /// What was created.
    async fn stop(self) -> BTreeSet<String> {
        self.enough.store(true, Ordering::Relaxed);
        self.callers
            .join_all()
            .await
            .into_iter()
            .flatten()
            .collect()
    }
}

/// Asks until the organization is created, and counts the answers that the log is unavailable.
async fn until_created(api: &GraphQl, name: &str, refused: &AtomicUsize) {
    loop {
        let answer = api.answer(CREATE, json!({ "name": name })).await;
        if answer["errors"].is_null() {
            assert_eq!(answer["data"]["it"]["userErrors"], json!([]), "{answer:#}");
            return;
        }
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!(*code, "UNAVAILABLE", "{answer:#}");
        refused.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(100)).await;
    }
}
