//! Brokers: connected, replaced, disconnected, and what uses them.

use domain::broker::BrokerKind;
use domain::testing::{
    broker_disconnected, broker_id, broker_replaced, listener_id, publisher_id, queues_connected,
};
use projections::broker::BrokerFilter;
use projections::ending::{Ended, Ending};
use projections::listener::ListenerFilter;
use projections::topic::TopicFilter;

use crate::events::everything;
use crate::fixture::{Fixture, all, assignments};

#[tokio::test]
async fn a_broker_that_is_gone_is_gone_from_the_lists() {
    let mut events = everything();
    events.push(broker_disconnected("main"));
    let fixture = Fixture::after(&events).await;
    let page = all();
    let model = &fixture.model;
    assert_eq!(
        model
            .page(&BrokerFilter::connected(), &page)
            .await
            .unwrap()
            .rows,
        []
    );
    let ended = BrokerFilter {
        connected: Some(false),
        ..BrokerFilter::default()
    };
    let ended = model.page(&ended, &page).await.unwrap().rows;
    assert_eq!(ended.len(), 1);
    assert_eq!(
        (ended[0].id, ended[0].ended.unwrap().by),
        (broker_id("main"), None)
    );
    let filter = ListenerFilter::default();
    assert_eq!(model.page(&filter, &all()).await.unwrap().rows, []);
    let topics = model
        .page(
            &TopicFilter {
                broker: broker_id("main"),
                names: None,
                search: None,
                not: None,
            },
            &all(),
        )
        .await
        .unwrap();
    assert_eq!(topics.rows, []);
    let (_, assigned) = assignments(model, None).await;
    assert_eq!(assigned, []);
}

#[tokio::test]
async fn a_replaced_broker_leads_to_the_one_that_took_over() {
    let mut events = everything();
    events.push(queues_connected("next"));
    events.push(broker_replaced("main", "next"));
    let fixture = Fixture::after(&events).await;
    let model = &fixture.model;
    let rows = model.brokers_by_id(&[broker_id("main")]).await.unwrap();
    assert_eq!(rows[0].ended.unwrap().by, Some(broker_id("next")));
    let alive = model.page(&BrokerFilter::connected(), &all()).await;
    let alive: Vec<_> = alive.unwrap().rows.into_iter().map(|row| row.id).collect();
    assert_eq!(alive, [broker_id("next")]);
    let by_name = model.broker_by_name(&"main".parse().unwrap()).await;
    assert_eq!(by_name.unwrap(), None, "the name is free");
}

#[tokio::test]
async fn brokers_are_found_by_part_of_the_name_and_by_kind() {
    let mut events = everything();
    events.push(queues_connected("next"));
    let fixture = Fixture::after(&events).await;
    let found = async |search: Option<&str>, kinds: Option<Vec<BrokerKind>>| {
        let filter = BrokerFilter {
            search: search.map(str::to_owned),
            kinds,
            ..BrokerFilter::connected()
        };
        let page = fixture.model.page(&filter, &all()).await.unwrap();
        page.rows
            .iter()
            .map(|row| row.name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(found(Some("ai"), None).await, ["main"]);
    assert_eq!(found(None, Some(vec![BrokerKind::Sqs])).await, ["next"]);
    let both = vec![BrokerKind::Sqs, BrokerKind::Kafka];
    assert_eq!(found(None, Some(both)).await, ["main", "next"]);
    assert!(found(None, Some(vec![])).await.is_empty());
    let bus = Some(vec![BrokerKind::ServiceBus]);
    assert!(found(Some("ai"), bus).await.is_empty());
}

#[tokio::test]
async fn what_a_deletion_stops_is_counted_and_named() {
    let fixture = Fixture::after(&everything()).await;
    let model = &fixture.model;
    assert_eq!(
        model
            .endings(&[broker_id("next"), broker_id("main")].map(Ending::BrokerDisconnected))
            .await
            .unwrap(),
        [
            Ended::default(),
            Ended {
                grants: 3,
                listeners: 1,
                publishers: 1,
                first_listeners: vec![listener_id("orders")],
                first_publishers: vec![publisher_id("scores")],
            }
        ]
    );
    let in_use = model.topics_in_use(broker_id("main"), 10).await.unwrap();
    let in_use: Vec<_> = in_use.iter().map(ToString::to_string).collect();
    assert_eq!(in_use, ["orders", "orders-dlq", "scores"]);
    let counts = model.broker_counts(&[broker_id("main")]).await.unwrap();
    assert_eq!(counts[0].1.topics, 3);
}
