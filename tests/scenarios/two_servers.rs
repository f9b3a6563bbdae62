//! Two servers, each a process, over one event log.

use std::path::Path;

use serde_json::{Value, json};
use tests::Eventflows;
use tests::log::LogDatabase;
use tests::wait::eventually;

const CREATE: &str = "mutation($input: OrganizationCreateInput!) { it: organizationCreate(\
    input: $input) { organization { id name } userErrors { code message path } position } }";

const ROUNDS: usize = 20;

#[tokio::test]
async fn a_command_sent_to_two_servers_at_once_is_done_once_and_both_show_it() {
    let directory = tempfile::tempdir().unwrap();
    let database = LogDatabase::from_environment();
    let log = match &database {
        Some(database) => database.url(),
        None => format!("sqlite:{}", directory.path().join("log.db").display()),
    };
    let one = serve(&log).await;
    let other = serve(&log).await;
    let (one, other) = (one.api(), other.api());
    for round in 0..ROUNDS {
        let input = |name: String| json!({ "input": { "name": name, "idempotencyKey": name } });
        let same = input(format!("same-{round}"));
        let (first, second, ..) = tokio::join!(
            one.done(CREATE, same.clone()),
            other.done(CREATE, same),
            one.done(CREATE, input(format!("one-{round}"))),
            other.done(CREATE, input(format!("other-{round}"))),
        );
        assert_eq!(first, second);
    }
    for api in [one, other] {
        let created = eventually("both servers show all that was created", async || {
            let events = api.ask(
                "{ events(first: 100, order: ASCENDING) { nodes { position type } } }",
                json!({}),
            );
            let events = events.await["events"]["nodes"].clone();
            let created = positions(&events);
            (created.len() >= 3 * ROUNDS).then_some(events)
        });
        let created = created.await;
        assert_eq!(positions(&created).len(), 3 * ROUNDS);
        let all = created.as_array().unwrap();
        for (index, event) in all.iter().enumerate() {
            assert_eq!(event["position"], (index + 1).to_string());
        }
    }
}

async fn serve(log: &str) -> Eventflows {
    let data = tempfile::tempdir().unwrap();
    let mut environment = vec![("EVENTFLOWS_LOG_URL", Path::new(log))];
    if log.starts_with("postgres") {
        // Shared too.
        environment.push(("EVENTFLOWS_READ_MODELS_URL", Path::new(log)));
    }
    Eventflows::start_with(data, &environment).await
}

/// Where the organizations were created.
fn positions(events: &Value) -> Vec<Value> {
    let created = events.as_array().unwrap().iter();
    created
        .filter(|event| event["type"] == "ORGANIZATION_CREATED")
        .map(|event| event["position"].clone())
        .collect()
}
