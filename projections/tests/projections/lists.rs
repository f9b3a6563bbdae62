//! Lists: in every order, page by page, counted, and several at once.

use std::fmt::Debug;

use domain::broker::TopicsChanged;
use domain::grant::Access;
use domain::organization::Role;
use domain::testing::{
    algorithm_registered, broker_connected, broker_id, discovered, granted, joined,
    listener_enabled, listener_id, listener_of, listener_paused, member_added,
    organization_created, publisher_enabled, publisher_of, to_algorithm, topic_id, topic_on,
    version_published, version_withdrawn,
};
use domain::worker::ConsumerStarted;
use domain::{Event, TopicId, WorkerId};
use projections::algorithm::{AlgorithmFilter, AlgorithmSort};
use projections::broker::{BrokerFilter, BrokerSort};
use projections::consumer::ConsumerFilter;
use projections::grant::{GrantFilter, GrantSort};
use projections::list::{ByKey, Filter, Listed, SortOf};
use projections::listener::{ListenerFilter, ListenerSort};
use projections::organization::{MemberFilter, OrganizationFilter, OrganizationSort};
use projections::publisher::{PublisherFilter, PublisherSort};
use projections::topic::{TopicFilter, TopicSort};
use projections::version::{VersionFilter, VersionSort};
use projections::worker::{WorkerFilter, WorkerSort};
use projections::{Order, Paging, ReadModel};
use uuid::Uuid;

use crate::fixture::Fixture;
use crate::random::BROKERS;

const ALGORITHMS: [&str; 4] = ["acme/rank", "acme/score", "beta/a", "beta/fold"];
const VERSIONS: [&str; 5] = ["1.10.0", "1.9.0", "1.10.0-rc.1", "2.0.0", "1.10.0+build"];
const WORKERS: [u128; 3] = [7, 3, 5];
const NAMES: [&str; 5] = ["a", "ab", "orders", "orders.eu", "z"];

/// Two brokers with the same topics, each read and written by every algorithm.
pub(crate) fn events() -> Vec<Event> {
    let mut events = Vec::new();
    events.extend(["acme", "beta", "Zeta"].map(organization_created));
    events.extend(["ann", "bob", "cid"].map(|member| member_added(member, Role::Member)));
    // Not in the order of their names, so that the order of time is another.
    events.extend(ALGORITHMS.into_iter().rev().map(algorithm_registered));
    events.extend(versions_and_workers());
    for name in BROKERS.into_iter().rev() {
        events.push(broker_connected(name));
        let mut topics = discovered(&NAMES);
        let partitions = [Some(3), None, Some(1), Some(3), Some(12)];
        for (topic, partitions) in topics.iter_mut().zip(partitions) {
            topic.partitions = partitions;
        }
        events.push(TopicsChanged::gained(broker_id(name), topics).into());
        for topic in NAMES {
            events.extend(flows(&topic_on(name, topic)));
        }
    }
    events.extend(WORKERS.map(|worker| {
        let worker = WorkerId(Uuid::from_u128(worker));
        let listener = listener_id("orders");
        Event::from(ConsumerStarted { worker, listener })
    }));
    events.push(listener_paused("orders"));
    events
}

/// Not in their order, and not in that of their texts.
fn versions_and_workers() -> Vec<Event> {
    let mut events = Vec::new();
    events.extend(VERSIONS.map(|version| version_published("acme/score", version)));
    events.push(version_withdrawn("acme/score", VERSIONS[0]));
    for worker in WORKERS {
        events.push(joined(WorkerId(Uuid::from_u128(worker))));
    }
    events
}

fn flows(topic: &TopicId) -> Vec<Event> {
    let of = |algorithm| {
        [
            granted(topic, to_algorithm(algorithm, Access::Subscribe)),
            listener_enabled(listener_of(algorithm, topic), "1.*"),
            publisher_enabled(publisher_of(algorithm, topic), "1.*"),
        ]
    };
    ALGORITHMS.into_iter().rev().flat_map(of).collect()
}

/// Reads a list page by page, in pages of several sizes, from its start and from its end, and
/// compares it with itself sorted here.
async fn check<F: Filter>(model: &ReadModel, filter: F, by: SortOf<F>, length: usize)
where
    F::Row: Debug + PartialEq,
{
    let all = Paging::first(1000);
    let mut expected = model.page(&filter, &all).await.unwrap().rows;
    assert_eq!(expected.len(), length);
    for descending in [false, true] {
        let order = Order { by, descending };
        expected.sort_by_cached_key(|row| row.place(order));
        if descending {
            expected.reverse();
        }
        for limit in [1, 2, 7, 1000] {
            let paging = Paging {
                order,
                ..Paging::first(limit)
            };
            assert_eq!(
                forwards(model, &filter, paging.clone(), length).await,
                expected
            );
            assert_eq!(backwards(model, &filter, paging, length).await, expected);
        }
        between(model, &filter, order, &expected).await;
    }
    let counted = model.counts(std::slice::from_ref(&filter)).await.unwrap();
    assert_eq!(counted, [length as u64]);
}

/// The rows of a list from its start on, in pages.
async fn forwards<F: Filter>(
    model: &ReadModel,
    filter: &F,
    mut paging: Paging<SortOf<F>>,
    length: usize,
) -> Vec<F::Row> {
    let mut found = Vec::new();
    while found.len() <= length {
        let page = model.page(filter, &paging).await.unwrap();
        assert!(page.rows.len() <= paging.limit as usize);
        paging.after = page.rows.last().map(|row| row.place(paging.order));
        found.extend(page.rows);
        if !page.more {
            break;
        }
    }
    found
}

/// The same rows, read in pages from the end on.
async fn backwards<F: Filter>(
    model: &ReadModel,
    filter: &F,
    mut paging: Paging<SortOf<F>>,
    length: usize,
) -> Vec<F::Row> {
    paging.last = true;
    let mut found = Vec::new();
    while found.len() <= length {
        let page = model.page(filter, &paging).await.unwrap();
        assert!(page.rows.len() <= paging.limit as usize);
        paging.before = page.rows.first().map(|row| row.place(paging.order));
        found.splice(..0, page.rows);
        if !page.more {
            break;
        }
    }
    found
}

/// Reads what is between two rows, from either side.
async fn between<F: Filter>(
    model: &ReadModel,
    filter: &F,
    order: Order<SortOf<F>>,
    expected: &[F::Row],
) where
    F::Row: Debug + PartialEq,
{
    let [start, inner @ .., end] = expected else {
        return;
    };
    for last in [false, true] {
        for limit in [1, 2, 1000] {
            let paging = Paging {
                after: Some(start.place(order)),
                before: Some(end.place(order)),
                last,
                order,
                ..Paging::first(limit)
            };
            let page = model.page(filter, &paging).await.unwrap();
            let count = inner.len().min(limit as usize);
            let (head, tail) = (&inner[..count], &inner[inner.len() - count..]);
            assert_eq!(page.rows, if last { tail } else { head });
            assert_eq!(page.more, inner.len() > count);
        }
    }
}

#[tokio::test]
async fn every_order_of_every_list_is_whole_page_by_page_and_counted() {
    for fixture in Fixture::each().await {
        fixture.apply(&crate::fixture::history(&events())).await;
        let model = &fixture.model;
        for by in [OrganizationSort::Name, OrganizationSort::CreatedAt] {
            check(model, OrganizationFilter::default(), by, 3).await;
        }
        check(model, members(), ByKey, 3).await;
        check(model, consumers("main"), ByKey, WORKERS.len()).await;
        for by in [AlgorithmSort::Name, AlgorithmSort::RegisteredAt] {
            check(model, AlgorithmFilter::default(), by, 4).await;
        }
        for by in [VersionSort::Version, VersionSort::PublishedAt] {
            check(model, versions(None), by, VERSIONS.len()).await;
        }
        for by in [WorkerSort::Id, WorkerSort::JoinedAt] {
            check(model, WorkerFilter, by, 3).await;
        }
        for by in [BrokerSort::Name, BrokerSort::ConnectedAt] {
            check(model, BrokerFilter::connected(), by, 2).await;
        }
        for by in [
            TopicSort::Name,
            TopicSort::Partitions,
            TopicSort::Algorithms,
        ] {
            check(model, on("main"), by, 5).await;
        }
        for by in [GrantSort::Topic, GrantSort::GrantedAt] {
            check(model, GrantFilter::default(), by, 40).await;
            let of_topic = GrantFilter {
                topics: Some(vec![topic_id("orders")]),
                ..GrantFilter::default()
            };
            check(model, of_topic, by, 4).await;
        }
        for by in [
            ListenerSort::Topic,
            ListenerSort::Algorithm,
            ListenerSort::ChangedAt,
        ] {
            check(model, ListenerFilter::default(), by, 40).await;
            let of_topic = ListenerFilter {
                topics: Some(vec![topic_id("orders")]),
                ..ListenerFilter::default()
            };
            check(model, of_topic, by, 4).await;
        }
        for by in [
            PublisherSort::Topic,
            PublisherSort::Algorithm,
            PublisherSort::ChangedAt,
        ] {
            let of_broker = PublisherFilter {
                brokers: Some(vec![broker_id("next")]),
                ..PublisherFilter::default()
            };
            check(model, of_broker, by, 20).await;
        }
    }
}

#[tokio::test]
async fn lists_that_are_asked_for_together_are_what_each_is_alone() {
    for fixture in Fixture::each().await {
        fixture.apply(&crate::fixture::history(&events())).await;
        let model = &fixture.model;
        let changed = Order {
            by: ListenerSort::ChangedAt,
            descending: true,
        };
        let asked = ALGORITHMS.map(|algorithm| {
            let filter = ListenerFilter {
                algorithms: Some(vec![algorithm.parse().unwrap()]),
                search: Some("orders".to_owned()),
                ..ListenerFilter::default()
            };
            let paging = Paging {
                order: changed,
                ..Paging::first(3)
            };
            (filter, paging)
        });
        let together = model.pages(&asked).await.unwrap();
        for ((filter, paging), page) in asked.iter().zip(together) {
            assert_eq!(page.rows.len(), 3);
            assert_eq!(page, model.page(filter, paging).await.unwrap());
        }
        let filters = asked.map(|(filter, _)| filter);
        assert_eq!(model.counts(&filters).await.unwrap(), [4; 4]);
    }
}

#[tokio::test]
async fn what_a_filter_names_is_all_that_a_list_has() {
    for fixture in Fixture::each().await {
        fixture.apply(&crate::fixture::history(&events())).await;
        let model = &fixture.model;
        let listeners = |choose: fn(&mut ListenerFilter)| {
            let mut filter = ListenerFilter::default();
            choose(&mut filter);
            filter
        };
        let filters = [
            listeners(|filter| filter.organizations = Some(vec!["beta".parse().unwrap()])),
            listeners(|filter| filter.organizations = Some(vec!["bet".parse().unwrap()])),
            listeners(|filter| filter.algorithms = Some(vec!["acme/score".parse().unwrap()])),
            listeners(|filter| filter.brokers = Some(vec![broker_id("next")])),
            listeners(|filter| filter.search = Some("rank".to_owned())),
            listeners(|filter| filter.enabled = Some(false)),
            listeners(|filter| filter.paused = Some(true)),
        ];
        let counted = model.counts(&filters).await.unwrap();
        assert_eq!(counted, [20, 0, 10, 20, 10, 0, 1]);
        let beta = PublisherFilter {
            organizations: Some(vec!["beta".parse().unwrap()]),
            search: Some("orders.eu".to_owned()),
            ..PublisherFilter::default()
        };
        assert_eq!(model.counts(&[beta]).await.unwrap(), [4]);
        let versions = [versions(Some(true)), versions(Some(false))];
        assert_eq!(model.counts(&versions).await.unwrap(), [1, 4]);
    }
}

#[tokio::test]
async fn versions_are_listed_as_semantic_versions_are_ordered() {
    for fixture in Fixture::each().await {
        fixture.apply(&crate::fixture::history(&events())).await;
        let (filter, paging) = (versions(None), Paging::first(10));
        let page = fixture.model.page(&filter, &paging).await.unwrap();
        let listed = page.rows.into_iter();
        let listed: Vec<String> = listed.map(|row| row.version.to_string()).collect();
        let expected = ["1.9.0", "1.10.0-rc.1", "1.10.0", "1.10.0+build", "2.0.0"];
        assert_eq!(listed, expected);
    }
}

pub(crate) fn versions(withdrawn: Option<bool>) -> VersionFilter {
    VersionFilter {
        algorithm: "acme/score".parse().unwrap(),
        versions: None,
        withdrawn,
        not: None,
    }
}

pub(crate) fn members() -> MemberFilter {
    MemberFilter {
        organization: "acme".parse().unwrap(),
        roles: None,
        search: None,
        not: None,
    }
}

pub(crate) fn on(name: &str) -> TopicFilter {
    TopicFilter {
        broker: broker_id(name),
        names: None,
        search: None,
        not: None,
    }
}

/// Those of acme/score on orders.
pub(crate) fn consumers(broker: &str) -> ConsumerFilter {
    ConsumerFilter {
        listener: listener_of("acme/score", topic_on(broker, "orders")),
        states: None,
        not: None,
    }
}
