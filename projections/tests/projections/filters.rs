//! Filters: of several values any is enough, of none nothing is, and `not` leaves the others.

use std::fmt::Debug;

use domain::broker::BrokerKind;
use domain::grant::{Access, GrantKey, Grantee, Scope};
use domain::organization::Role;
use domain::testing::{
    broker_id, granted, listener_of, member_role_changed, pattern_granted, pattern_granted_on,
    publisher_of, to_organization, to_score, topic_on,
};
use domain::worker::{ConsumerFailed, ConsumerStarted, ListenerBlocked};
use domain::{AlgorithmId, Event, ListenerId, TopicId, Version, WorkerId};
use projections::algorithm::AlgorithmFilter;
use projections::algorithm_topic::AlgorithmTopicFilter;
use projections::broker::BrokerFilter;
use projections::consumer::ConsumerState;
use projections::grant::{Grant, GrantFilter};
use projections::list::{Filter, Listed, Select};
use projections::listener::{Listener, ListenerFilter};
use projections::organization::OrganizationFilter;
use projections::publisher::PublisherFilter;

use projections::{Paging, ReadModel};
use uuid::Uuid;

use crate::fixture::{Fixture, history};
use crate::lists::{consumers, events, members, on, versions};

fn algorithms(names: &[&str]) -> Vec<AlgorithmId> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// The history of lists, with grants of other kinds and with consumers that hold or failed.
fn more_events() -> Vec<Event> {
    let worker = WorkerId(Uuid::from_u128(3));
    let orders = || topic_on("next", "orders");
    let blocked = ListenerBlocked {
        worker,
        listener: listener_of("acme/score", orders()),
        reason: "the endpoint is down".to_owned(),
    };
    let started = ConsumerStarted {
        worker: WorkerId(Uuid::from_u128(5)),
        listener: listener_of("acme/score", orders()),
    };
    let failed = ConsumerFailed {
        worker,
        listener: listener_of("beta/fold", orders()),
        error: "no route".to_owned(),
    };
    let to_beta = |access| to_organization("beta", access);
    let mut events = events();
    events.extend([
        pattern_granted("orders*", to_beta(Access::Publish)),
        pattern_granted_on("next", "*z", Access::DeadLetter),
        granted(orders(), to_beta(Access::Subscribe)),
        blocked.into(),
        started.into(),
        failed.into(),
        member_role_changed("bob", Role::Owner),
    ]);
    events
}

/// A filter, and which rows it chooses.
type Case<F> = (F, Box<dyn Fn(&<F as Select>::Row) -> bool + Send>);

fn case<F: Select>(filter: F, wanted: impl Fn(&F::Row) -> bool + Send + 'static) -> Case<F> {
    (filter, Box::new(wanted))
}

/// Checks a list of `$whole`, for each line with those members: which rows are wanted, and with
/// `not` which others.
macro_rules! check {
    ($model:expr, $whole:expr; $({ $($member:ident: $value:expr),* } => $wanted:expr;)*) => {{
        let whole = $whole;
        let mut cases = Vec::new();
        $(
            let mut filter = whole.clone();
            $(filter.$member = Some($value);)*
            cases.push(case(filter, $wanted));
        )*
        choose($model, whole, |whole, filter| whole.not = Some(Box::new(filter)), cases).await;
    }};
}

/// Compares what each filter chooses of `whole`, and what is left where it is what `not` says,
/// with what is wanted: page by page, and counted.
async fn choose<F: Filter>(model: &ReadModel, whole: F, not: fn(&mut F, F), cases: Vec<Case<F>>)
where
    F::Row: Debug + PartialEq,
{
    let rows = walk(model, &whole, 1000).await;
    for (number, (filter, wanted)) in cases.into_iter().enumerate() {
        let mut rest = whole.clone();
        not(&mut rest, filter.clone());
        let (expected, others): (Vec<_>, Vec<_>) =
            rows.iter().cloned().partition(|row| wanted(row));
        for (filter, expected) in [(filter, expected), (rest, others)] {
            for limit in [3, 1000] {
                assert_eq!(walk(model, &filter, limit).await, expected, "case {number}");
            }
            let counted = model.counts(&[filter]).await.unwrap();
            assert_eq!(counted, [expected.len() as u64], "case {number}");
        }
    }
}

/// Reads a list in pages of that length.
async fn walk<F: Filter>(model: &ReadModel, filter: &F, limit: u32) -> Vec<F::Row> {
    let mut paging = Paging::first(limit);
    let mut found = Vec::new();
    loop {
        let page = model.page(filter, &paging).await.unwrap();
        paging.after = page.rows.last().map(|row| row.place(paging.order));
        found.extend(page.rows);
        if !page.more {
            return found;
        }
    }
}

async fn each() -> [Fixture; 2] {
    let fixtures = Fixture::each().await;
    for fixture in &fixtures {
        fixture.apply(&history(&more_events())).await;
    }
    fixtures
}

fn topics() -> Vec<TopicId> {
    vec![
        topic_on("next", "ab"),
        topic_on("main", "orders"),
        topic_on("next", "z"),
    ]
}

fn names() -> Vec<AlgorithmId> {
    algorithms(&["acme/score", "beta/a"])
}

fn listeners() -> Vec<ListenerId> {
    let of = |(topic, algorithm)| ListenerId { topic, algorithm };
    topics().into_iter().zip(names()).map(of).collect()
}

/// Values of names.
fn some<N: std::str::FromStr<Err: Debug>>(names: &[&str]) -> Vec<N> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[tokio::test]
async fn listeners_are_chosen_by_any_of_several_values() {
    let on = |row: &Listener, name| row.id.topic.broker == broker_id(name);
    let held = |row: &Listener| row.id.to_string().ends_with("/orders|acme/score");
    let failed = |row: &Listener| row.id.to_string().ends_with("/orders|beta/fold");
    let beta = |row: &Listener| row.id.algorithm.organization.as_str() == "beta";
    for fixture in each().await {
        check!(&fixture.model, ListenerFilter::default();
            { ids: listeners() } => |row| listeners().contains(&row.id);
            { ids: listeners()[..1].to_vec() } => |row| row.id == listeners()[0];
            { ids: vec![] } => |_| false;
            { topics: topics() } => |row| topics().contains(&row.id.topic);
            { topics: topics()[1..2].to_vec() } => |row| row.id.topic == topics()[1];
            { topics: vec![topics()[1].clone(); 2] } => |row| row.id.topic == topics()[1];
            { topics: vec![] } => |_| false;
            { brokers: vec![broker_id("next"), broker_id("main")] } => |_| true;
            { brokers: vec![broker_id("next"), broker_id("gone")] } => move |row| on(row, "next");
            { brokers: vec![broker_id("next")] } => move |row| on(row, "next");
            { brokers: vec![] } => |_| false;
            { algorithms: names() } => |row| names().contains(&row.id.algorithm);
            { algorithms: names()[1..].to_vec() } => |row| row.id.algorithm == names()[1];
            { algorithms: vec![] } => |_| false;
            { organizations: some(&["beta", "acm"]) } => beta;
            { organizations: some(&["beta"]) } => beta;
            { organizations: vec![] } => |_| false;
        );
        check!(&fixture.model, ListenerFilter::default();
            { paused: true } => |row| row.pause.is_some();
            { enabled: true } => |row| row.enabled;
            { search: "ab".to_owned() } => |row| row.id.topic.topic.as_str() == "ab";
            { consumer_states: vec![ConsumerState::Blocked] } =>
                move |row| on(row, "next") && held(row);
            { consumer_states: vec![ConsumerState::Failed, ConsumerState::Blocked] } =>
                move |row| on(row, "next") && (held(row) || failed(row));
            { consumer_states: vec![] } => |_| false;
            // Both must match, also of what is left out.
            { topics: topics()[..1].to_vec(), brokers: vec![broker_id("main")] } => |_| false;
            { topics: topics(), brokers: vec![broker_id("main")] } =>
                |row| row.id.topic == topics()[1];
            { topics: topics(), algorithms: names() } =>
                |row| topics().contains(&row.id.topic) && names().contains(&row.id.algorithm);
        );
    }
}

#[tokio::test]
async fn publishers_are_chosen_by_any_of_several_values() {
    let id = || publisher_of("beta/fold", topic_on("next", "ab"));
    let of_topic = PublisherFilter {
        topics: Some(vec![topic_on("next", "ab")]),
        ..PublisherFilter::default()
    };
    for fixture in each().await {
        check!(&fixture.model, PublisherFilter::default();
            { ids: vec![id()] } => move |row| row.id == id();
            { topics: topics() } => |row| topics().contains(&row.id.topic);
            { brokers: vec![broker_id("main")] } => |row| row.id.topic.broker == broker_id("main");
            { brokers: vec![] } => |_| false;
        );
        // As the list of a parent is.
        check!(&fixture.model, of_topic.clone();
            { algorithms: names() } => |row| names().contains(&row.id.algorithm);
            { algorithms: some(&["beta/a", "beta/fold"]), enabled: true } =>
                |row| row.id.algorithm.organization.as_str() == "beta";
        );
    }
}

fn covers(row: &Grant, topics: &[TopicId]) -> bool {
    let covered = |topic: &TopicId| match &row.key.scope {
        Scope::Topic(name) => *name == topic.topic,
        Scope::Pattern(pattern) => pattern.covers(&topic.topic),
    };
    let mut topics = topics.iter();
    topics.any(|topic| row.key.broker == topic.broker && covered(topic))
}

fn permits(row: &Grant) -> bool {
    match &row.key.permission.grantee {
        Grantee::Algorithm(id) => names().contains(id),
        Grantee::Organization(name) => name.as_str() == "beta",
    }
}

#[tokio::test]
async fn grants_are_chosen_by_any_of_several_values() {
    let on = |row: &Grant, name| row.key.broker == broker_id(name);
    let of_beta = |row: &Grant| row.key.organization().as_str() == "beta";
    let key = || {
        let pattern = "*z".parse().unwrap();
        GrantKey::of_pattern(broker_id("next"), &pattern, &to_score(Access::DeadLetter))
    };
    for fixture in each().await {
        check!(&fixture.model, GrantFilter::default();
            { keys: vec![key()] } => move |row| row.key == key();
            { keys: vec![] } => |_| false;
            { brokers: vec![broker_id("next")] } => move |row| on(row, "next");
            { brokers: vec![broker_id("gone"), broker_id("next")] } => move |row| on(row, "next");
            { topics: topics() } => |row| covers(row, &topics());
            { topics: topics()[1..2].to_vec() } => |row| covers(row, &topics()[1..2]);
            { topics: vec![] } => |_| false;
            { algorithms: names() } => permits;
            { algorithms: names()[1..].to_vec(), organizations: some(&["acme"]) } => |_| false;
            { algorithms: vec![] } => |_| false;
            { organizations: some(&["beta", "none"]) } => of_beta;
            { access: vec![Access::Publish, Access::DeadLetter] } =>
                |row| row.key.permission.access != Access::Subscribe;
            { access: vec![] } => |_| false;
            { topics: topics(), algorithms: names(), brokers: vec![broker_id("next")] } =>
                move |row| covers(row, &topics()) && permits(row) && on(row, "next");
            { topics: topics()[1..2].to_vec(), algorithms: names()[1..].to_vec() } =>
                move |row| covers(row, &topics()[1..2]) && of_beta(row) && permits(row);
            { algorithms: names(), organizations: some(&["beta"]), brokers: vec![broker_id("main")] }
                => move |row| permits(row) && of_beta(row) && on(row, "main");
        );
    }
}

#[tokio::test]
async fn algorithms_versions_and_their_topics_are_chosen_by_any_of_several_values() {
    let used = AlgorithmTopicFilter {
        algorithm: "acme/score".parse().unwrap(),
        brokers: None,
        topics: None,
        access: None,
        search: None,
        not: None,
    };
    let two = || some::<Version>(&["1.9.0", "2.0.0"]);
    for fixture in each().await {
        check!(&fixture.model, AlgorithmFilter::default();
            { ids: names() } => |row| names().contains(&row.id);
            { ids: vec![] } => |_| false;
            { organizations: some(&["beta", "none"]) } =>
                |row| row.id.organization.as_str() == "beta";
            { grantable: true } => |row| row.id.to_string() == "acme/score";
            { retired: false } => |_| true;
        );
        check!(&fixture.model, versions(None);
            { versions: two() } => move |row| two().contains(&row.version);
            { versions: some(&["9.0.0"]) } => |_| false;
            { versions: vec![] } => |_| false;
            { withdrawn: true } => |row| row.withdrawn.is_some();
        );
        check!(&fixture.model, used.clone();
            { brokers: vec![broker_id("gone"), broker_id("main")] } =>
                |row| row.topic.broker == broker_id("main");
            { topics: topics() } => |row| topics().contains(&row.topic);
            { access: vec![Access::DeadLetter] } => |row| row.access == Access::DeadLetter;
            { access: vec![] } => |_| false;
        );
    }
}

#[tokio::test]
async fn brokers_topics_and_people_are_chosen_by_any_of_several_values() {
    let kinds = [BrokerKind::Sqs, BrokerKind::Kafka];
    for fixture in each().await {
        check!(&fixture.model, BrokerFilter::connected();
            { ids: vec![broker_id("gone"), broker_id("main")] } => |row| row.id == broker_id("main");
            { kinds: kinds.to_vec() } => |_| true;
            { kinds: kinds[..1].to_vec() } => |_| false;
            { kinds: vec![] } => |_| false;
            { connected: false } => |_| false;
        );
        check!(&fixture.model, on("main");
            { names: some(&["z", "ab", "none"]) } =>
                |row| ["z", "ab"].contains(&row.id.topic.as_str());
            { names: vec![] } => |_| false;
            { search: "orders".to_owned() } =>
                |row| row.id.topic.as_str().starts_with("orders");
        );
        check!(&fixture.model, OrganizationFilter::default();
            { names: some(&["Zeta", "acme"]) } => |row| row.name.as_str() != "beta";
            { names: vec![] } => |_| false;
        );
        check!(&fixture.model, members();
            { roles: vec![Role::Owner, Role::Executor] } => |row| row.role == Role::Owner;
            { roles: vec![] } => |_| false;
            { search: "n".to_owned() } => |row| row.name.as_str() == "ann";
        );
        check!(&fixture.model, consumers("next");
            { states: vec![ConsumerState::Failed, ConsumerState::Blocked] } =>
                |row| row.state == ConsumerState::Blocked;
            { states: vec![] } => |_| false;
        );
    }
}
