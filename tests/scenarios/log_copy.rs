//! The event log moves between backends and stays the same log, whatever happens on the way.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tests::{Eventflows, Postgres, binary};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const CREATE: &str = "mutation($name: String!, $key: String!) { \
    it: organizationCreate(input: { name: $name, idempotencyKey: $key }) \
    { organization { id } position userErrors { code } } }";

/// Appends every golden event to a log that no server has open, and then many others.
const FILL: &str = "
import pathlib, sqlite3, sys, uuid
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute('BEGIN IMMEDIATE')
(last,) = db.execute('SELECT max(position) FROM events').fetchone()
(metadata,) = db.execute('SELECT metadata FROM events WHERE position = 1').fetchone()
def append(stream, events):
    global last
    command, first = uuid.uuid4().bytes, last + 1
    for revision, (type, version, payload) in enumerate(events):
        last += 1
        db.execute('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', [last, uuid.uuid4().bytes,
            stream, revision, type, version, 1795000000000000 + last, command, metadata, payload])
    db.execute('INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?)',
        [command, command * 2, first, last, stream, len(events) - 1])
for path in sorted(pathlib.Path(sys.argv[2]).glob('*.json')):
    type, version = path.name.split('.')[:2]
    append(f'golden-{path.stem}', [(type, int(version), path.read_bytes().rstrip())])
for number in range(int(sys.argv[3])):
    append(f'fill-{number}', [('Fill', 1, b'{\"text\":\"%d\"}' % number), ('Fill', 1, b''), ('Fill', 2, b'\\xff\\0')])
db.execute('COMMIT')
";

/// Commands of three events each: some ten batches.
const COMMANDS: u32 = 13_000;

#[tokio::test]
async fn every_kind_of_event_survives_the_way_to_postgresql_and_back_with_kills_on_it() {
    let mut source = Eventflows::start_with(tempfile::tempdir().unwrap(), &[]).await;
    create(&source, "acme", "k-1").await;
    source.terminate().await;
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let log = source.data().join("log.db");
    python(FILL, &[&log, &golden, Path::new(&COMMANDS.to_string())]).await;

    let (postgres, temp) = (Postgres::start().await, tempfile::tempdir().unwrap());
    let back = temp.path().join("back.db");
    let urls = [sqlite(&log), postgres.url(), sqlite(&back)];
    let mut roots = Vec::new();
    for way in urls.windows(2) {
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(copy_and_kill(&way[0], &way[1]).await);
        }
        let done = copy(&way[0], &way[1]).await;
        assert!(done.status.success(), "{done:?}");
        let told = text(&done.stdout);
        let root = told.split_once("root: ").expect("the root").1;
        roots.push(root.trim().to_owned());
        // Each went on where the last one was killed.
        assert_eq!(held[0], 0);
        assert!(held.is_sorted() && held[1] > 0, "{held:?}");
        assert!(held[1] < u64::from(3 * COMMANDS), "{held:?}");
    }
    assert_eq!(roots[0], roots[1]);
    let mut exports = Vec::new();
    for url in &urls {
        let done = eventflows(&["audit", "export"], &[("EVENTFLOWS_LOG_URL", url)]).await;
        assert!(done.status.success(), "{done:?}");
        exports.push(done.stdout);
    }
    assert!(exports[0].len() > 1_000_000);
    // Not by `assert_eq`, which would print them.
    assert!(exports[0] == exports[1] && exports[1] == exports[2]);
}

#[tokio::test]
async fn a_copied_log_serves_answers_the_same_commands_and_is_proved_by_its_old_checkpoints() {
    let (checkpoints, postgres) = (tempfile::tempdir().unwrap(), Postgres::start().await);
    let environment = [("EVENTFLOWS_CHECKPOINTS", checkpoints.path())];
    let mut source = Eventflows::start_with(tempfile::tempdir().unwrap(), &environment).await;
    let first = create(&source, "acme", "k-1").await;
    let second = create(&source, "other", "k-2").await;
    let log = sqlite(&source.data().join("log.db"));
    // A first copy may be made while the server runs.
    let early = copy(&log, &postgres.url()).await;
    assert!(early.status.success(), "{early:?}");
    source.terminate().await;
    let done = copy(&log, &postgres.url()).await;
    assert!(done.status.success(), "{done:?}");

    let url = postgres.url();
    let environment = [("EVENTFLOWS_LOG_URL", Path::new(&url))];
    let served = Eventflows::start_with(tempfile::tempdir().unwrap(), &environment).await;
    assert_eq!(create(&served, "acme", "k-1").await, first);
    assert_eq!(create(&served, "other", "k-2").await, second);
    let reused = json!({ "name": "another", "key": "k-1" });
    let code = served.api().refused(CREATE, reused).await;
    assert_eq!(code, "IDEMPOTENCY_KEY_REUSED");
    create(&served, "more", "k-3").await;
    audited_by_one_who_may_only_select(&postgres, checkpoints.path()).await;

    // With a server on it, it is no target, and it is not the source's any more.
    let in_use = copy(&log, &postgres.url()).await;
    assert!(
        text(&in_use.stderr).contains("the event log is in use"),
        "{in_use:?}"
    );
    drop(served);
    let differs = copy(&log, &postgres.url()).await;
    assert_eq!(differs.status.code(), Some(1));
    let told = text(&differs.stderr);
    assert!(told.contains("holds something else at position "), "{told}");
}

#[tokio::test]
async fn a_running_server_s_file_is_no_target() {
    let source = Eventflows::start_with(tempfile::tempdir().unwrap(), &[]).await;
    let target = Eventflows::start_with(tempfile::tempdir().unwrap(), &[]).await;
    let [from, to] = [&source, &target].map(|server| sqlite(&server.data().join("log.db")));
    let in_use = copy(&from, &to).await;
    assert_eq!(in_use.status.code(), Some(1));
    assert!(
        text(&in_use.stderr).contains("the event log is in use"),
        "{in_use:?}"
    );
    // It has not been hurt.
    create(&target, "acme", "k-1").await;
}

#[tokio::test]
async fn a_target_with_another_event_is_refused_by_its_position_and_no_password_is_told() {
    let mut source = Eventflows::start_with(tempfile::tempdir().unwrap(), &[]).await;
    for name in ["a", "b", "c", "d"] {
        create(&source, name, name).await;
    }
    source.terminate().await;
    let temp = tempfile::tempdir().unwrap();
    let (log, other) = (source.data().join("log.db"), temp.path().join("other.db"));
    let done = copy(&sqlite(&log), &sqlite(&other)).await;
    assert!(done.status.success(), "{done:?}");
    let change = "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute('DROP TRIGGER events_are_never_updated')
db.execute(\"UPDATE events SET metadata = metadata || ' ' WHERE position IN (3, 4)\")
db.commit()
";
    python(change, &[&other]).await;
    let refused = copy(&sqlite(&log), &sqlite(&other)).await;
    assert_eq!(refused.status.code(), Some(1));
    let told = text(&refused.stderr);
    assert!(
        told.contains("holds something else at position 3"),
        "{told}"
    );

    for url in [
        "postgres://ann:secret@127.0.0.1:1/log",
        "mysql://ann:secret@127.0.0.1/log",
    ] {
        for (from, to) in [(url, &*sqlite(&other)), (&*sqlite(&log), url)] {
            let failed = copy(from, to).await;
            assert_eq!(failed.status.code(), Some(1));
            assert!(!text(&failed.stderr).contains("secret"), "{failed:?}");
        }
    }
}

/// What an auditor's role can do: everything that `eventflows audit` has.
async fn audited_by_one_who_may_only_select(postgres: &Postgres, checkpoints: &Path) {
    let grants = "CREATE ROLE auditor LOGIN; GRANT SELECT ON events, commands, log_head TO auditor";
    let mut psql = Command::new("psql");
    psql.args([
        "--no-psqlrc",
        "--quiet",
        "--dbname",
        &postgres.url(),
        "--command",
        grants,
    ]);
    assert!(psql.status().await.unwrap().success());
    let (_, host) = postgres
        .url()
        .split_once('@')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let url = format!("postgres://auditor@{host}");
    let environment = [
        ("EVENTFLOWS_LOG_URL", url.as_str()),
        ("EVENTFLOWS_CHECKPOINTS", checkpoints.to_str().unwrap()),
    ];
    let ask = async |arguments: &[&str]| -> Value {
        let done = eventflows(arguments, &environment).await;
        assert!(done.status.success(), "{done:?}");
        let text = text(&done.stdout);
        serde_json::from_str(
            text.lines()
                .next()
                .filter(|line| *line != "{")
                .unwrap_or(&text),
        )
        .unwrap()
    };
    let report = ask(&["audit", "verify", "--json"]).await;
    assert_eq!(report["intact"], true, "{report}");
    assert!(report["events"].as_u64() > report["covered"].as_u64());
    let row = ask(&["audit", "export", "--organization", "acme"]).await;
    assert_eq!(row["stream"], "organization-acme");
    let id = row["event_id"].as_str().unwrap();
    let proof = ask(&["audit", "prove", "--event", id]).await;
    assert_eq!(proof["event"], row);
    let position = row["position"].to_string();
    let state = ask(&["audit", "replay", "--as-of", &position]).await;
    assert_eq!(state["position"], row["position"]);
}

/// Creates an organization; gives all that was answered.
async fn create(server: &Eventflows, name: &str, key: &str) -> Value {
    let variables = json!({ "name": name, "key": key });
    server.api().done(CREATE, variables).await
}

async fn copy(from: &str, to: &str) -> Output {
    eventflows(&["log", "copy", "--from", from, "--to", to], &[]).await
}

/// Kills a copy with SIGKILL as soon as it has copied something; tells how many events it had
/// found in the target.
async fn copy_and_kill(from: &str, to: &str) -> u64 {
    let mut copying = Command::new(binary::path());
    copying.args(["log", "copy", "--from", from, "--to", to]);
    let mut copying = copying
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(copying.stderr.take().unwrap()).lines();
    let mut held = 0;
    loop {
        let line = lines
            .next_line()
            .await
            .unwrap()
            .expect("it is not done yet");
        if let Some(compared) = line.strip_prefix("compared existing events: ") {
            held = compared.split(' ').next().unwrap().parse().unwrap();
        }
        if line.starts_with("copied: ") {
            copying.kill().await.unwrap();
            return held;
        }
    }
}

async fn eventflows(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(binary::path());
    command.args(arguments).envs(environment.iter().copied());
    command.output().await.unwrap()
}

async fn python(script: &str, arguments: &[&Path]) {
    let mut python = Command::new("python3");
    let done = python
        .arg("-c")
        .arg(script)
        .args(arguments)
        .output()
        .await
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

fn sqlite(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
