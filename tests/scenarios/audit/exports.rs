//! What an auditor takes away: filtered exports, and the state of an earlier time.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tests::Eventflows;

use super::{CREATE, SignedLog, run};

#[tokio::test]
async fn exports_are_filtered_and_the_past_is_replayed() {
    let log = SignedLog::new().await;
    let environment = [("EVENTFLOWS_DATA", log.data.path())];
    let lines = |arguments: &[&str]| -> Vec<String> {
        let done = run(arguments, &environment);
        assert!(done.status.success(), "{done:?}");
        let text = String::from_utf8(done.stdout).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    let created = ["export", "--type", "OrganizationCreated"];
    assert_eq!(lines(&created).len(), 10);
    let one = ["export", "--stream", "organization-org-3"];
    let row: Value = serde_json::from_str(&lines(&one)[0]).unwrap();
    assert_eq!(row["type"], "OrganizationCreated");
    let position = row["position"].to_string();
    let earlier = ["export", "--until", &position, "--actor", "user:admin"];
    assert_eq!(lines(&earlier).len(), 4);
    let csv = lines(&["export", "--format", "csv", "--after", &position]);
    assert!(csv[0].starts_with("position,event_id,stream,revision,type,"));
    let state = lines(&["replay", "--as-of", &position]).join("\n");
    let state: Value = serde_json::from_str(&state).unwrap();
    assert_eq!(state["position"].to_string(), position);
    assert_eq!(state["grants"], json!([]));
}

const REGISTER: &str = "mutation($id: ID!, $name: String!, $text: String) { it: algorithmRegister(\
    input: { organizationId: $id, name: $name, description: $text }) \
    { algorithm { id } userErrors { code message } } }";

#[tokio::test]
async fn an_export_of_an_organization_has_its_events_alone_and_is_no_formula() {
    let awkward = "=1+1, \"quoted\"\r\nline\ttab 'x' é";
    let mut server = Eventflows::start_with(tempfile::tempdir().unwrap(), &[]).await;
    for name in ["acme", "acme-2"] {
        let created = server.api().done(CREATE, json!({ "name": name })).await;
        let id = &created["organization"]["id"];
        let variables = json!({ "id": id, "name": "score", "text": awkward });
        server.api().done(REGISTER, variables).await;
    }
    server.terminate().await;
    let environment = [("EVENTFLOWS_DATA", server.data())];
    let export = |arguments: &[&str]| -> String {
        let done = run(arguments, &environment);
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    let jsonl = export(&["export", "--organization", "acme"]);
    let rows: Vec<Value> = jsonl
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let streams: Vec<_> = rows
        .iter()
        .map(|row| row["stream"].as_str().unwrap())
        .collect();
    assert_eq!(streams, ["organization-acme", "algorithm-acme/score"]);
    let payload: Value = serde_json::from_str(rows[1]["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload["description"], awkward);
    assert_eq!(export(&["export", "--organization", "nobody"]), "");

    // A spreadsheet reads the same fields.
    let file = server.data().join("export.csv");
    let out = file.to_str().unwrap();
    export(&[
        "export",
        "--organization",
        "acme",
        "--format",
        "csv",
        "--out",
        out,
    ]);
    let script = "import csv, json, sys; \
        print(json.dumps(list(csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8')))))";
    let read = Command::new("python3")
        .args(["-c", script])
        .arg(&file)
        .output()
        .unwrap();
    let read: Vec<Value> = serde_json::from_slice(&read.stdout).unwrap();
    assert_eq!(read.len(), rows.len());
    for (read, row) in read.iter().zip(&rows) {
        for column in ["event_id", "stream", "type", "metadata", "payload"] {
            assert_eq!(read[column], row[column], "{column}");
        }
    }
    assert!(Path::new(out).exists());
}
