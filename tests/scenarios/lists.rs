//! Lists and histories: page by page, sorted, counted, and their cursors.

use serde_json::{Value, json};
use tests::{Eventflows, eventually};

use crate::conventions::CREATE;

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
    while names.len() <= 5 {
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
async fn a_list_is_read_from_its_end_with_the_cursors_of_its_start() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    for name in ["a", "b", "c", "d", "e"] {
        api.done(CREATE, json!({ "input": { "name": name } })).await;
    }
    let document = "query($first: Int, $after: String, $last: Int, $before: String) { \
                    organizations(first: $first, after: $after, last: $last, before: $before) { \
                    totalCount edges { cursor node { name } } \
                    pageInfo { hasPreviousPage hasNextPage } } }";
    let page = async |bounds: Value| {
        let list = api.ask(document, bounds).await["organizations"].clone();
        assert_eq!(list["totalCount"], 5);
        let edges = list["edges"].as_array().unwrap().clone();
        let names: String = edges
            .iter()
            .filter_map(|e| e["node"]["name"].as_str())
            .collect();
        let info = &list["pageInfo"];
        let pages = [&info["hasPreviousPage"], &info["hasNextPage"]].map(|has| has == true);
        let cursor = |edge: &Value| edge["cursor"].clone();
        (
            names,
            pages,
            [cursor(&edges[0]), cursor(&edges[edges.len() - 1])],
        )
    };
    let (names, pages, [a, b]) = page(json!({ "first": 2 })).await;
    assert_eq!((names.as_str(), pages), ("ab", [false, true]));
    let (names, pages, [d, _]) = page(json!({ "last": 2 })).await;
    assert_eq!((names.as_str(), pages), ("de", [true, false]));
    let (names, pages, _) = page(json!({ "last": 2, "before": d })).await;
    assert_eq!((names.as_str(), pages), ("bc", [true, true]));
    let (names, pages, _) = page(json!({ "last": 2, "before": b })).await;
    assert_eq!((names.as_str(), pages), ("a", [false, true]));
    let (names, pages, _) = page(json!({ "last": 5, "after": a, "before": d })).await;
    assert_eq!((names.as_str(), pages), ("bc", [true, true]));
    let (names, pages, _) = page(json!({ "before": d })).await;
    assert_eq!((names.as_str(), pages), ("abc", [false, true]));
}

#[tokio::test]
async fn a_list_is_sorted_and_counted_as_asked_and_a_cursor_is_of_one_order() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    for name in ["b", "c", "a"] {
        api.done(CREATE, json!({ "input": { "name": name } })).await;
    }
    let list = "query($after: String, $by: OrganizationOrderInput, $search: String) { \
                organizations(first: 2, after: $after, orderBy: $by, filter: { search: $search }) \
                { totalCount edges { cursor node { name } } } }";
    let newest = json!({ "field": "CREATED_AT", "direction": "DESCENDING" });
    let page = async |after: &Value, by: &Value| {
        let variables = json!({ "after": after, "by": by });
        let found = api.ask(list, variables).await["organizations"].clone();
        assert_eq!(found["totalCount"], 3);
        let edges = found["edges"].as_array().unwrap().clone();
        let names: Vec<Value> = edges.iter().map(|e| e["node"]["name"].clone()).collect();
        (names, edges.last().unwrap()["cursor"].clone())
    };
    let (names, cursor) = page(&Value::Null, &newest).await;
    assert_eq!(names, ["a", "c"]);
    let (names, _) = page(&cursor, &newest).await;
    assert_eq!(names, ["b"]);
    let descending = json!({ "field": "NAME", "direction": "DESCENDING" });
    let (names, _) = page(&Value::Null, &descending).await;
    assert_eq!(names, ["c", "b"]);

    let found = api.ask(list, json!({ "search": "c" })).await;
    assert_eq!(found["organizations"]["totalCount"], 1);
    let (_, by_name) = page(&Value::Null, &Value::Null).await;
    let answer = api
        .answer(list, json!({ "after": by_name, "by": newest }))
        .await;
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "INVALID_ARGUMENT");
    assert_eq!(error["path"], json!(["organizations"]));
}

#[tokio::test]
async fn pages_and_cursors_out_of_bounds_are_refused_with_a_code() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    for arguments in [
        "first: 0",
        "first: 101",
        "first: -1",
        "last: 0",
        "last: 101",
        "first: 1, last: 1",
        "after: \"%%%\"",
        "before: \"%%%\"",
    ] {
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
async fn a_history_is_paged_and_its_cursors_are_its_own() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let created = api
        .done(CREATE, json!({ "input": { "name": "acme" } }))
        .await;
    let organization = &created["organization"]["id"];
    let add = "mutation($id: ID!, $input: OrganizationMemberAddInput!) { \
               it: organizationMemberAdd(id: $id, input: $input) { userErrors { code } } }";
    for name in ["ann", "bob", "cid"] {
        let input = json!({ "member": name, "role": "MEMBER" });
        api.done(add, json!({ "id": organization, "input": input }))
            .await;
    }
    let document = "query($of: ID!, $after: Position) { history(of: $of, first: 2, after: $after) \
        { edges { cursor node { type } } pageInfo { hasNextPage } } }";
    let mut types = Vec::new();
    let mut after = Value::Null;
    while types.len() <= 4 {
        let variables = json!({ "of": organization, "after": after });
        let page = api.ask(document, variables).await["history"].clone();
        let edges = page["edges"].as_array().unwrap();
        types.extend(edges.iter().map(|edge| edge["node"]["type"].clone()));
        after = edges.last().unwrap()["cursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(types.last().unwrap(), "ORGANIZATION_CREATED");
    assert_eq!(types.len(), 4);
    for (of, after) in [
        (organization.clone(), json!("%%%")),
        (organization.clone(), json!("-1")),
        (json!("x"), Value::Null),
        (json!("RXZlbnQ6MQ"), Value::Null),
    ] {
        let answer = api
            .answer(document, json!({ "of": of, "after": after }))
            .await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "INVALID_ARGUMENT", "{answer}");
        assert_eq!(error["path"], json!(["history"]));
    }
}

#[tokio::test]
async fn events_are_filtered_by_several_values_of_each_member() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let mut ids = Vec::new();
    for name in ["acme", "beta", "gamma"] {
        let created = api.done(CREATE, json!({ "input": { "name": name } })).await;
        ids.push(created["organization"]["id"].clone());
    }
    let document = "query($filter: EventFilterInput) { events(filter: $filter, order: ASCENDING) \
        { nodes { organization: payload } } }";
    let chosen = async |filter: Value| {
        let found = api.ask(document, json!({ "filter": filter })).await;
        let nodes = found["events"]["nodes"].as_array().unwrap();
        let names = nodes
            .iter()
            .map(|node| node["organization"]["name"].clone());
        names.collect::<Vec<_>>()
    };
    let types = json!(["MEMBER_ADDED", "ORGANIZATION_CREATED"]);
    let two = json!([ids[2], ids[0], ids[2]]);
    let people = json!([{ "user": "nobody" }, { "user": "admin" }]);
    let filter = json!({ "organizationIds": two, "types": types, "actors": people });
    assert_eq!(chosen(filter).await, ["acme", "gamma"]);
    let nobody = json!([{ "user": "nobody" }]);
    assert_eq!(
        chosen(json!({ "actors": nobody, "types": types })).await,
        [""; 0]
    );
    assert_eq!(chosen(json!({ "types": [] })).await, [""; 0]);

    let many = |count: usize| (0..count).map(|n| json!({ "user": n.to_string() }));
    let many = many(51).collect::<Vec<_>>();
    for (filter, said) in [
        (
            json!({ "actors": [{ "user": "admin" }, { "workerId": ids[0] }] }),
            "filter.actors.1.workerId is not the id of a worker",
        ),
        (
            json!({ "actors": many, "types": types }),
            "filter has 102 choices of an organization, an actor and a type; at most 100 are looked up",
        ),
    ] {
        let answer = api.answer(document, json!({ "filter": filter })).await;
        assert_eq!(answer["errors"][0]["message"], said, "{answer}");
    }
}

#[tokio::test]
async fn the_workers_that_are_here_are_listed() {
    let eventflows = Eventflows::start().await;
    let api = eventflows.api();
    let list = "{ workers { totalCount nodes { id joinedAt } } }";
    // The server's own worker joins in its own time.
    let workers = eventually("the worker", async || {
        let found = api.ask(list, json!({})).await["workers"].clone();
        // It may join between the statement that counts and the one that reads.
        let whole = found["totalCount"] == 1 && !found["nodes"][0].is_null();
        whole.then_some(found)
    });
    let worker = workers.await["nodes"][0].clone();
    let node = "query($id: ID!) { node(id: $id) { ... on Worker { id joinedAt } } }";
    let found = api.ask(node, json!({ "id": worker["id"] })).await;
    assert_eq!(found["node"], worker);
}
