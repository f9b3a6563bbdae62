//! Nobody changes history unseen: the binary and an independent verifier find every change made
//! with the database's own tools, and name the first bad position.

mod exports;
mod posting;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Eventflows, binary, eventually};

const CREATE: &str = "mutation($name: String!) { it: organizationCreate(input: { name: $name }) \
                      { organization { id } userErrors { code message } } }";

/// Rows are changed with the triggers gone, by somebody who owns the file.
const PRELUDE: &str = "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
for (name,) in db.execute(\"SELECT name FROM sqlite_master WHERE type = 'trigger'\").fetchall():
    db.execute(f'DROP TRIGGER {name}')
row = lambda position: db.execute('SELECT * FROM events WHERE position = ?', [position]).fetchone()
change = lambda sql: db.execute(sql)
def shift(first, by):
    change(f'UPDATE events SET position = -position WHERE position >= {first}')
    change(f'UPDATE events SET position = -position + {by} WHERE position < 0')
def copy(source, target, stream):
    change(f'''INSERT INTO events SELECT {target}, randomblob(16), '{stream}', 0, type,
        schema_version, recorded_at, command_id, metadata, payload
        FROM events WHERE position = {source}''')
";

/// What is done to the log, and the first position that is then bad. The journal is adopted first, and
/// the worker joins among the first three.
const CHANGES: [(&str, u64, &str); 11] = [
    (
        "a byte of a payload",
        4,
        "change(\"UPDATE events SET payload = CAST(replace(CAST(payload AS TEXT), 'org-', 'ogr-') AS BLOB) WHERE position = 4\")",
    ),
    (
        "who did it",
        4,
        "change(\"UPDATE events SET metadata = replace(metadata, 'admin', 'nobody') WHERE position = 4\")",
    ),
    (
        "a space in metadata",
        4,
        "change(\"UPDATE events SET metadata = metadata || ' ' WHERE position = 4\")",
    ),
    (
        "metadata that is no JSON",
        4,
        "change(\"UPDATE events SET metadata = '' WHERE position = 4\")",
    ),
    (
        "when it happened",
        2,
        "change('UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 2')",
    ),
    (
        "the last event removed",
        8,
        "change('DELETE FROM events WHERE position = 8')",
    ),
    (
        "one removed, a hole left",
        5,
        "change('DELETE FROM events WHERE position = 5')",
    ),
    (
        "one removed, the rest renumbered",
        5,
        "change('DELETE FROM events WHERE position = 5'); shift(6, -1)",
    ),
    (
        "one inserted",
        6,
        "shift(6, 1); copy(2, 6, 'organization-forged')",
    ),
    (
        "one doubled",
        4,
        "shift(4, 1); copy(3, 4, row(3)[2] + '-again')",
    ),
    (
        "two swapped",
        2,
        "change('UPDATE events SET position = -1 WHERE position = 2'); change('UPDATE events SET position = 2 WHERE position = 7'); change('UPDATE events SET position = 7 WHERE position = -1')",
    ),
];

/// A log of at least eight events that was signed twice, with no server running.
struct SignedLog {
    data: TempDir,
    checkpoints: TempDir,
    /// A copy of the data directory between the two checkpoints.
    older: TempDir,
}

impl SignedLog {
    async fn new() -> Self {
        let (checkpoints, older) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let environment = [("EVENTFLOWS_CHECKPOINTS", checkpoints.path())];
        let mut eventflows =
            Eventflows::start_with(tempfile::tempdir().unwrap(), &environment).await;
        for number in 0..4 {
            let name = json!({ "name": format!("org-{number}") });
            eventflows.api().done(CREATE, name).await;
        }
        eventflows.terminate().await;
        copy(eventflows.data(), older.path());
        let mut eventflows = eventflows.start_again().await;
        for number in 4..10 {
            let name = json!({ "name": format!("org-{number}") });
            eventflows.api().done(CREATE, name).await;
        }
        // While the server runs, its log can be verified too.
        let running = audit(&["verify"], eventflows.data(), checkpoints.path());
        assert!(running.status.success(), "{running:?}");
        eventflows.terminate().await;
        let data = tempfile::tempdir().unwrap();
        copy(eventflows.data(), data.path());
        Self {
            data,
            checkpoints,
            older,
        }
    }

    /// A copy of the data, for somebody to change.
    fn copied(&self) -> TempDir {
        let copied = tempfile::tempdir().unwrap();
        copy(self.data.path(), copied.path());
        copied
    }

    fn verify(&self, data: &Path) -> Value {
        let done = audit(&["verify", "--json"], data, self.checkpoints.path());
        let report: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(done.status.success(), report["intact"] == true, "{done:?}");
        report
    }

    /// What the Python verifier says of the log that `data` exports.
    fn second_opinion(&self, data: &Path) -> Output {
        let export = data.join("export.jsonl");
        let out = export.to_str().unwrap();
        let _damage_ends_it = run(&["export", "--out", out], &[("EVENTFLOWS_DATA", data)]);
        let (log, key) = (Path::new("log"), self.public_key());
        python(&[log, &export, self.checkpoints.path(), &key])
    }

    fn public_key(&self) -> PathBuf {
        self.checkpoints.path().join("log.vkey")
    }

    fn prove(&self, position: &str) -> Value {
        let arguments = ["prove", "--position", position];
        let done = audit(&arguments, self.data.path(), self.checkpoints.path());
        assert!(done.status.success(), "{done:?}");
        serde_json::from_slice(&done.stdout).unwrap()
    }

    /// Whether the binary and the Python verifier take the proof.
    fn check(&self, proof: &Value) -> (bool, bool) {
        let path = self.data.path().join("proof.json");
        fs::write(&path, proof.to_string()).unwrap();
        let (file, key) = (path.to_str().unwrap(), self.public_key());
        let key_file = key.to_str().unwrap();
        let arguments = ["check-proof", "--proof", file, "--public-key", key_file];
        let ours = run(&arguments, &[]).status.success();
        let theirs = python(&[Path::new("proof"), &path, &key]);
        (ours, theirs.status.success())
    }
}

#[tokio::test]
async fn every_change_of_the_file_is_found_and_its_first_position_named() {
    let log = SignedLog::new().await;
    let report = log.verify(log.data.path());
    assert_eq!(report["covered"], report["events"], "{report}");
    let opinion = log.second_opinion(log.data.path());
    assert!(opinion.status.success(), "{opinion:?}");
    let events = report["events"].as_u64().unwrap();
    for (what, position, change) in CHANGES {
        // The number of events depends on what the worker inside reported.
        let (position, change) = match what {
            "the last event removed" => (events, change.replace('8', &events.to_string())),
            _ => (position, change.to_owned()),
        };
        let data = log.copied();
        let tamper = format!("{PRELUDE}{change}");
        let mut intruder = Command::new("python3");
        intruder
            .arg("-c")
            .arg(tamper)
            .arg(data.path().join("log.db"));
        let done = intruder.output().unwrap();
        assert!(done.status.success(), "{what}: {done:?}");
        let report = log.verify(data.path());
        assert_eq!(report["first_bad_position"], position, "{what}: {report}");
        let opinion = log.second_opinion(data.path());
        let said = String::from_utf8_lossy(&opinion.stderr).into_owned();
        assert_eq!(
            said.trim(),
            format!("first bad position: {position}"),
            "{what}"
        );
    }
}

#[tokio::test]
async fn an_older_copy_of_the_database_is_found_and_never_signed() {
    let log = SignedLog::new().await;
    let report = log.verify(log.older.path());
    let first_missing = report["events"].as_u64().unwrap() + 1;
    assert_eq!(report["first_bad_position"], first_missing);
    assert_eq!(log.second_opinion(log.older.path()).status.code(), Some(1));

    let before = fs::read(log.checkpoints.path().join("latest")).unwrap();
    let environment = [("EVENTFLOWS_CHECKPOINTS", log.checkpoints.path())];
    let restored = tempfile::tempdir().unwrap();
    copy(log.older.path(), restored.path());
    let eventflows = Eventflows::start_with(restored, &environment).await;
    let api = eventflows.api();
    let why = eventually("the server is not ready", async || {
        let (status, why) = api.get("/readyz").await;
        (status == 503).then_some(why)
    })
    .await;
    assert!(why.contains("is not the one that was signed"), "{why}");
    for number in 20..30 {
        let name = json!({ "name": format!("org-{number}") });
        eventflows.api().done(CREATE, name).await;
    }
    eventflows.terminate_failing().await;
    assert_eq!(
        fs::read(log.checkpoints.path().join("latest")).unwrap(),
        before
    );
}

#[tokio::test]
async fn a_proof_needs_nothing_but_the_public_key_and_a_changed_one_proves_nothing() {
    let log = SignedLog::new().await;
    for position in ["1", "2", "5", "8"] {
        assert_eq!(log.check(&log.prove(position)), (true, true));
    }
    let proof = log.prove("5");
    let changes: [(&str, Value); 6] = [
        ("/event/payload", json!("{}")),
        ("/event/position", json!(6)),
        ("/event/recorded_at", json!("2020-01-01T00:00:00.000000Z")),
        ("/event/stream", json!("organization-x")),
        ("/leaf_index", json!(5)),
        (
            "/path/0",
            json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ),
    ];
    for (place, value) in changes {
        let mut changed = proof.clone();
        *changed.pointer_mut(place).unwrap() = value;
        assert_eq!(log.check(&changed), (false, false), "{place}");
    }
    let mut changed = proof.clone();
    let note = proof["checkpoint"].as_str().unwrap();
    changed["checkpoint"] = json!(note.replace("time 2", "time 3"));
    assert_eq!(log.check(&changed), (false, false));
}

#[tokio::test]
async fn the_newest_checkpoint_is_proved_to_continue_a_kept_one_and_a_forged_one_is_not() {
    let log = SignedLog::new().await;
    let mut kept: Vec<_> = fs::read_dir(log.checkpoints.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "checkpoint"))
        .collect();
    kept.sort();
    assert!(kept.len() >= 2, "{kept:?}");
    let prove = |checkpoint: &Path| {
        let file = checkpoint.to_str().unwrap();
        let arguments = ["prove", "--from-checkpoint", file];
        // The log is not looked at.
        audit(&arguments, Path::new("/nowhere"), log.checkpoints.path())
    };
    for checkpoint in &kept {
        let done = prove(checkpoint);
        assert!(done.status.success(), "{done:?}");
        let proof: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(log.check(&proof), (true, true));
        let swapped = json!({
            "format": proof["format"],
            "earlier": proof["checkpoint"],
            "path": proof["path"],
            "checkpoint": proof["earlier"],
        });
        let same = proof["checkpoint"] == proof["earlier"];
        assert_eq!(log.check(&swapped), (same, same));
        if !same {
            let mut changed = proof.clone();
            changed["path"][0] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
            assert_eq!(log.check(&changed), (false, false));
        }
    }
    // The same key signs another history of the same length.
    let forged = log.copied();
    let tamper = format!("{PRELUDE}{}", CHANGES[0].2);
    let mut intruder = Command::new("python3");
    intruder
        .arg("-c")
        .arg(tamper)
        .arg(forged.path().join("log.db"));
    assert!(intruder.status().unwrap().success());
    let elsewhere = tempfile::tempdir().unwrap();
    let environment = [("EVENTFLOWS_CHECKPOINTS", elsewhere.path())];
    let mut forger = Eventflows::start_with(forged, &environment).await;
    forger.terminate().await;
    let file = kept[0].to_str().unwrap();
    let arguments = ["prove", "--from-checkpoint", file];
    let refused = audit(&arguments, forger.data(), elsewhere.path());
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("does not continue"), "{told}");
}

fn audit(arguments: &[&str], data: &Path, checkpoints: &Path) -> Output {
    let environment = [
        ("EVENTFLOWS_DATA", data),
        ("EVENTFLOWS_CHECKPOINTS", checkpoints),
    ];
    run(arguments, &environment)
}

/// Runs `eventflows audit`.
fn run(arguments: &[&str], environment: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(binary::path());
    command.arg("audit").args(arguments);
    command.envs(environment.iter().copied());
    command.output().unwrap()
}

fn python(arguments: &[&Path]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("verifier/verify.py");
    let mut command = Command::new("python3");
    command.arg(script).args(arguments).output().unwrap()
}

/// Copies the files of a directory, and not its directories: they hold nothing that an auditor
/// looks at.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
