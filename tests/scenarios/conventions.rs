//! The conventions that every client may count on.

use http::StatusCode;
use serde_json::json;
use tests::Eventflows;

const CREATE: &str = "mutation($input: OrganizationCreateInput!) { it: organizationCreate(\
    input: $input) { organization { id name } userErrors { code message path } position } }";

#[tokio::test]
async fn the_same_key_does_the_same_once_also_after_a_restart() {
    let eventflows = Eventflows::start().await;
    let input = json!({ "input": { "name": "acme", "idempotencyKey": "k-1" } });
    let first = eventflows.api().done(CREATE, input.clone()).await;
    assert_eq!(eventflows.api().done(CREATE, input.clone()).await, first);
    let eventflows = eventflows.kill_and_restart().await;
    let api = eventflows.api();
    assert_eq!(api.done(CREATE, input).await, first);
    let other = json!({ "input": { "name": "other", "idempotencyKey": "k-1" } });
    assert_eq!(api.refused(CREATE, other).await, "IDEMPOTENCY_KEY_REUSED");
    let types = "{ events { nodes { type } } }";
    let nodes = api.ask(types, json!({})).await["events"]["nodes"].clone();
    let created = nodes.as_array().unwrap().iter();
    let created = created.filter(|event| event["type"] == "OrganizationCreated");
    assert_eq!(created.count(), 1);
}

#[tokio::test]
async fn a_client_reads_its_own_writes_and_pages_through_them() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    for number in 0..5 {
        let name = format!("org-{number}");
        let payload = api.done(CREATE, json!({ "input": { "name": name } })).await;
        assert_eq!(payload["organization"]["name"], name);
        let by_name = "query($name: String!) { organizationByName(name: $name) { name } }";
        let found = api.ask(by_name, json!({ "name": name })).await;
        assert_eq!(found["organizationByName"]["name"], name);
    }
    let page = "query($after: String) { organizations(first: 2, after: $after) { \
                edges { cursor node { id name } } pageInfo { hasNextPage hasPreviousPage } } }";
    let mut names = Vec::new();
    let mut after = json!(null);
    loop {
        let list = api.ask(page, json!({ "after": after })).await["organizations"].clone();
        let edges = list["edges"].as_array().unwrap();
        names.extend(edges.iter().map(|edge| edge["node"]["name"].clone()));
        assert_eq!(list["pageInfo"]["hasPreviousPage"], !after.is_null());
        after = edges.last().unwrap()["cursor"].clone();
        if list["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(names, ["org-0", "org-1", "org-2", "org-3", "org-4"]);
}

#[tokio::test]
async fn pages_and_cursors_out_of_bounds_are_refused_with_a_code() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    for arguments in ["first: 0", "first: 101", "first: -1", "after: \"%%%\""] {
        let document = format!("{{ organizations({arguments}) {{ nodes {{ id }} }} }}");
        let answer = api.answer(&document, json!({})).await;
        let error = &answer["errors"][0];
        assert_eq!(
            error["extensions"]["code"], "INVALID_ARGUMENT",
            "{arguments}"
        );
        assert_eq!(error["path"], json!(["organizations"]));
        assert_eq!(answer["data"], json!({ "organizations": null }));
    }
}

#[tokio::test]
async fn an_id_that_is_none_of_ours_is_nothing() {
    let eventflows = Eventflows::start().await;
    let document = "query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }";
    for id in ["", "x", "T3JnYW5pemF0aW9uOm5vYm9keQ"] {
        let answer = eventflows.api().ask(document, json!({ "id": id })).await;
        assert_eq!(answer, json!({ "node": null, "nodes": [null] }), "{id:?}");
    }
}

#[tokio::test]
async fn only_json_from_our_own_pages_is_executed() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let create = |name: &str| {
        json!({ "query": CREATE, "variables": { "input": { "name": name } } }).to_string()
    };
    let (status, _) = api
        .post(create("a"), &[("content-type", "text/plain")])
        .await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let (status, _) = api
        .post(create("a"), &[("origin", "http://evil.example")])
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = api.get("/graphql?query={organizations{nodes{id}}}").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    let list = "{ organizations { nodes { name } } }";
    let nothing = json!({ "organizations": { "nodes": [] } });
    assert_eq!(api.ask(list, json!({})).await, nothing);

    let own = format!("http://{}", eventflows.authority());
    let (status, _) = api.post(create("a"), &[("origin", &own)]).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn requests_too_large_too_deep_or_unreadable_are_refused() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let (status, _) = api.post("x".repeat(129 * 1024), &[]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, body) = api.post("{".to_owned(), &[]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("INVALID_ARGUMENT"), "{body}");
    let deep = format!(
        "{{ organizations {{ nodes {{ algorithms {{ nodes {{ {}",
        "listeners { nodes { algorithm { ".repeat(6)
    );
    let deep = format!("{deep} id {}", "}".repeat(18 + 5));
    let answer = api.answer(&deep, json!({})).await;
    let error = &answer["errors"][0];
    assert!(
        error["message"].as_str().unwrap().contains("deep"),
        "{answer}"
    );
    assert_eq!(error["extensions"]["code"], "INVALID_ARGUMENT");
}

#[tokio::test]
async fn health_says_alive_and_ready() {
    let mut eventflows = Eventflows::start().await;
    let api = eventflows.api();
    assert_eq!(api.get("/livez").await.0, StatusCode::OK);
    assert_eq!(api.get("/readyz").await.0, StatusCode::OK);
    assert_eq!(api.get("/graphiql/").await.0, StatusCode::NOT_FOUND);
    eventflows.terminate().await;
}
