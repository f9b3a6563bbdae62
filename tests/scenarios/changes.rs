//! A client that follows changes and resumes where it stopped shows what there is.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::flow::{grant, publish};
use tests::graphql::Subscription;
use tests::{Endpoint, Eventflows, Flow, FlowOptions, GraphQl, Kafka, RandomCommands, eventually};

/// Commands in all, and how many there are between two comparisons and between two restarts of the
/// server.
const STEPS: usize = 130;
const BETWEEN_LOOKS: usize = 4;
const BETWEEN_KILLS: usize = 40;

const CHANGES: &str = "subscription($after: Position, $kinds: [NodeKind!], $within: ID) { \
    changes(after: $after, kinds: $kinds, within: $within) { position truncated \
    changes { position kind id node { id \
    ... on Organization { members { nodes { name role } } } \
    ... on Algorithm { retired versions(first: 5) { nodes { version withdrawn } } } \
    ... on Version { version withdrawn } \
    ... on Broker { name status { state running blocked failed } counts { topics grants listeners publishers } } \
    ... on Topic { name counts { subscribeGrants publishGrants listeners publishers } } \
    ... on Grant { access grantedAt } \
    ... on Listener { enabled paused versionSelector problem { code } deadLetterTopic { name } revision \
    resolvedVersion { version } consumers(first: 4) { nodes { state stateSince } } } \
    ... on Publisher { enabled versionSelector revision } } } } }";

const LISTS: &str = "query($search: String!) { \
    organizations(first: 30) { nodes { id members(first: 10) { nodes { name role } } } } \
    algorithms(first: 30) { nodes { id retired versions(first: 5) { nodes { version withdrawn } } \
    all: versions(first: 5) { nodes { id version withdrawn } } } } \
    brokers(first: 4) { nodes { id name status { state running blocked failed } counts { topics grants listeners publishers } \
    topics(filter: { search: $search }) { nodes { id name \
    counts { subscribeGrants publishGrants listeners publishers } } } } } \
    grants(first: 100) { nodes { id access grantedAt } } \
    listeners(first: 100) { nodes { id enabled paused versionSelector problem { code } deadLetterTopic { name } revision \
    resolvedVersion { version } consumers(first: 4) { nodes { state stateSince } } } } \
    publishers(first: 100) { nodes { id enabled versionSelector revision } } }";

/// Rows by id, as a client holds them.
type Rows = BTreeMap<String, Value>;

/// A client that keeps what it was told, and where it stopped.
struct Follower {
    /// In the name of each of our topics: the broker has those of other tests too.
    search: String,
    rows: Rows,
    position: u64,
    items: Option<Subscription>,
}

impl Follower {
    /// Takes items until it has those of `position`.
    async fn follow(&mut self, api: &GraphQl, position: u64) {
        while self.position < position {
            self.take(api).await;
        }
    }

    async fn take(&mut self, api: &GraphQl) {
        if self.items.is_none() {
            let after = json!({ "after": self.position.to_string() });
            self.items = Some(api.subscribe(CHANGES, after).await);
        }
        let Some(items) = &mut self.items else {
            return;
        };
        let item = items.next().await["changes"].clone();
        let reached = number(&item["position"]);
        assert!(reached >= self.position);
        for change in item["changes"].as_array().unwrap() {
            let at = number(&change["position"]);
            assert!(at > self.position && at <= reached, "told once: {change}");
            let name = change["node"]["name"].as_str();
            let foreign = name.is_some_and(|name| !name.contains(&self.search));
            if change["kind"] == "TOPIC" && foreign {
                continue;
            }
            let id = change["id"].as_str().unwrap().to_owned();
            match &change["node"] {
                Value::Null => self.rows.remove(&id),
                node => self.rows.insert(id, node.clone()),
            };
        }
        self.position = reached;
        if item["truncated"] == true {
            // One event changed more than is told, such as a broker that had thousands of topics.
            self.rows = listed(api, &self.search).await;
        }
    }
}

fn number(position: &Value) -> u64 {
    position.as_str().unwrap().parse().unwrap()
}

async fn position(api: &GraphQl) -> u64 {
    number(&api.ask("{ position }", json!({})).await["position"])
}

/// What lists show, by id, the versions and topics below among them.
async fn listed(api: &GraphQl, search: &str) -> Rows {
    let lists = api.ask(LISTS, json!({ "search": search })).await;
    let mut rows = Rows::new();
    for (_, list) in lists.as_object().unwrap() {
        for node in list["nodes"].as_array().unwrap() {
            let mut node = node.clone();
            let own = node.as_object_mut().unwrap();
            let topics = own.remove("topics").unwrap_or_default();
            let versions = own.remove("all").unwrap_or_default();
            let below = topics["nodes"].as_array().into_iter().flatten();
            for row in below.chain(versions["nodes"].as_array().into_iter().flatten()) {
                put(&mut rows, row.clone());
            }
            put(&mut rows, node);
        }
    }
    rows
}

fn put(rows: &mut Rows, row: Value) {
    rows.insert(row["id"].as_str().unwrap().to_owned(), row);
}

#[tokio::test]
async fn a_client_that_is_cut_off_and_resumes_ends_with_what_a_fresh_query_shows() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let mut eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let search = kafka.topic("");
    let mut commands = RandomCommands::over(&flow, &kafka, 11).await;
    let mut api = eventflows.api();
    let mut follower = Follower {
        search: search.clone(),
        rows: Rows::new(),
        position: 0,
        items: None,
    };
    for step in 1..=STEPS {
        commands.step(&api).await;
        if step % 3 == 0 && position(&api).await > follower.position {
            follower.take(&api).await;
        }
        if step % 7 == 0 {
            // Whatever was on its way is lost with the socket.
            follower.items = None;
        }
        if step % BETWEEN_LOOKS == 0 {
            // Often, since a later event may mend what an earlier one was not told for.
            shows_what_there_is(&api, &mut follower).await;
        }
        if step % BETWEEN_KILLS == 0 {
            follower.items = None;
            eventflows = eventflows.kill_and_restart().await;
            api = eventflows.api();
        }
    }
    shows_what_there_is(&api, &mut follower).await;
    topics_come_and_go(&api, &mut follower, &flow, &kafka).await;
    let next = a_broker_is_replaced(&api, &mut follower, &flow, &kafka).await;
    an_algorithm_takes_all_with_it(&api, &mut follower, &flow.algorithm, &kafka).await;
    a_broker_takes_all_with_it(&api, &mut follower, &next).await;
    what_cannot_be_resumed(&api).await;
}

/// The client holds the rows of the lists, all of them and no others.
async fn shows_what_there_is(api: &GraphQl, follower: &mut Follower) -> Rows {
    // Workers report on their own: what is compared is of one moment.
    let listed = loop {
        let before = position(api).await;
        let rows = listed(api, &follower.search).await;
        follower.follow(api, before).await;
        if follower.position == before && position(api).await == before {
            break rows;
        }
    };
    for (id, row) in &listed {
        assert_eq!(follower.rows.get(id), Some(row));
    }
    for (id, row) in &follower.rows {
        assert!(listed.contains_key(id), "it is shown and gone: {row}");
    }
    listed
}

async fn topics_come_and_go(api: &GraphQl, follower: &mut Follower, flow: &Flow, kafka: &Kafka) {
    kafka.create(&["late"], 2).await;
    kafka.delete("scores").await;
    let discover = "mutation($id: ID!) { it: brokerTopicsDiscover(id: $id, input: {}) \
                    { position userErrors { code message } } }";
    api.done(discover, json!({ "id": flow.broker })).await;
    let listed = shows_what_there_is(api, follower).await;
    let mut names = listed.values().map(|row| row["name"].as_str());
    assert!(names.any(|name| name == Some(&kafka.topic("late"))));
    assert!(!listed.contains_key(flow.topics[1].as_str().unwrap()));
}

/// Gives the id of the broker that took over.
async fn a_broker_is_replaced(
    api: &GraphQl,
    follower: &mut Follower,
    flow: &Flow,
    kafka: &Kafka,
) -> Value {
    let connect = "mutation($input: BrokerConnectInput!) { it: brokerConnect(input: $input) \
                   { broker { id } userErrors { code message } } }";
    let settings = json!({ "kafka": { "bootstrapServers": [kafka.address()] } });
    let input = json!({ "name": "next", "settings": settings });
    let connected = api.done(connect, json!({ "input": input })).await;
    let next = connected["broker"]["id"].clone();
    let replace = "mutation($id: ID!, $input: BrokerReplaceInput!) \
                   { it: brokerReplace(id: $id, input: $input) \
                   { position userErrors { code message } } }";
    let input = json!({ "replacementId": next, "leaveMissing": true });
    let variables = json!({ "id": flow.broker, "input": input });
    api.done(replace, variables).await;
    let old = flow.broker.as_str().unwrap();
    assert!(follower.rows.contains_key(old));
    let moved = eventually("what moves with the broker", async || {
        let listed = shows_what_there_is(api, follower).await;
        // A policy carries it over.
        let broker = listed[next.as_str().unwrap()].clone();
        (broker["counts"]["grants"] != 0).then_some(listed)
    })
    .await;
    assert!(!moved.contains_key(old));
    next
}

/// Also the disabled listener, which no policy touches, shows that it has nothing to call any more.
async fn an_algorithm_takes_all_with_it(
    api: &GraphQl,
    follower: &mut Follower,
    algorithm: &Value,
    kafka: &Kafka,
) {
    publish(api, algorithm, "3.0.0", "http://127.0.0.1:9/").await;
    let listed = shows_what_there_is(api, follower).await;
    let late = kafka.topic("late");
    let topic = listed.iter().find(|(_, row)| row["name"] == late).unwrap();
    let topic = json!(topic.0);
    grant(api, &topic, algorithm, "SUBSCRIBE").await;
    let enable = "mutation($input: ListenerEnableInput!) { it: listenerEnable(input: $input) \
                  { listener { id } userErrors { code message } } }";
    let input = json!({
        "topicId": topic, "algorithmId": algorithm, "version": "latest",
        "settings": { "start": { "at": "LATEST" } },
    });
    let enabled = api.done(enable, json!({ "input": input })).await;
    let listener = enabled["listener"]["id"].clone();
    let disable = "mutation($id: ID!) { it: listenerDisable(id: $id, input: {}) \
                   { position userErrors { code message } } }";
    api.done(disable, json!({ "id": listener })).await;
    let listener = listener.as_str().unwrap();
    let listed = shows_what_there_is(api, follower).await;
    assert_eq!(listed[listener]["problem"], Value::Null);

    let retire = "mutation($id: ID!) { it: algorithmRetire(id: $id, input: {}) \
                  { position userErrors { code message } } }";
    api.done(retire, json!({ "id": algorithm })).await;
    let listed = shows_what_there_is(api, follower).await;
    assert_eq!(listed[algorithm.as_str().unwrap()]["retired"], true);
    assert_ne!(listed[listener]["problem"], Value::Null);
}

async fn a_broker_takes_all_with_it(api: &GraphQl, follower: &mut Follower, broker: &Value) {
    let disconnect = "mutation($id: ID!) { it: brokerDisconnect(id: $id, input: {}) \
                      { position userErrors { code message } } }";
    api.done(disconnect, json!({ "id": broker })).await;
    let broker = broker.as_str().unwrap();
    assert!(follower.rows.contains_key(broker));
    let listed = shows_what_there_is(api, follower).await;
    assert!(!listed.contains_key(broker));
}

async fn what_cannot_be_resumed(api: &GraphQl) {
    let mut socket = api.socket(&[]).await.unwrap();
    socket.tell(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.hear().await["type"], "connection_ack");
    for (arguments, code) in [
        ("after: \"99999999\"", "POSITION_TOO_OLD"),
        ("within: \"x\"", "INVALID_ARGUMENT"),
        ("of: [\"x\"]", "INVALID_ARGUMENT"),
    ] {
        let query = format!("subscription {{ changes({arguments}) {{ position }} }}");
        let payload = json!({ "query": query });
        socket
            .tell(json!({ "type": "subscribe", "id": arguments, "payload": payload }))
            .await;
        let error = socket.hear().await;
        assert_eq!(error["type"], "error", "{arguments}");
        assert_eq!(error["id"], arguments);
        assert_eq!(error["payload"][0]["extensions"]["code"], code);
    }
}
