//! Grants by topic and by pattern, to algorithms and to organizations.

use domain::grant::{Access, GrantKey, TopicGranted};
use domain::testing::{CAUSE, pattern_granted, to_acme, to_score, topic_id};
use projections::grant::GrantFilter;
use projections::topic::TopicCounts;

use crate::events::flowing;
use crate::fixture::{Fixture, all};

async fn found(fixture: &Fixture, filter: GrantFilter) -> Vec<String> {
    let page = fixture.model.page(&filter, &all()).await.unwrap();
    let scopes = page.rows.into_iter().map(|row| row.key.scope.to_string());
    scopes.collect()
}

#[tokio::test]
async fn a_topic_has_the_grants_of_its_name_and_of_patterns() {
    let mut events = flowing("1.0.0");
    events.push(pattern_granted("ord*", to_acme(Access::Publish)));
    events.push(pattern_granted("*res", to_score(Access::Subscribe)));
    let fixture = Fixture::after(&events).await;
    let of = async |name| {
        let filter = GrantFilter {
            topics: Some(vec![topic_id(name)]),
            ..Default::default()
        };
        found(&fixture, filter).await
    };
    assert_eq!(of("orders").await, ["ord*", "orders"]);
    assert_eq!(of("scores").await, ["*res", "scores"]);
    assert_eq!(of("orders-dlq").await, ["ord*", "orders-dlq"]);
    let asked = [topic_id("orders"), topic_id("nothing")];
    let counts = fixture.model.topic_counts(&asked).await.unwrap();
    let of_orders = TopicCounts {
        subscribe_grants: 1,
        publish_grants: 1,
        dead_letter_grants: 0,
        subscribe_algorithms: 1,
        publish_algorithms: 1,
        dead_letter_algorithms: 0,
        listeners: 1,
        publishers: 0,
    };
    let [orders, nothing] = asked;
    let expected = [(orders, of_orders), (nothing, TopicCounts::default())];
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn an_algorithm_has_the_grants_of_its_organization_too() {
    let mut events = flowing("1.0.0");
    events.push(pattern_granted("x*", to_acme(Access::Publish)));
    let fixture = Fixture::after(&events).await;
    let of = async |name: &str| {
        let filter = GrantFilter {
            algorithms: Some(vec![name.parse().unwrap()]),
            ..Default::default()
        };
        found(&fixture, filter).await
    };
    assert_eq!(
        of("acme/score").await,
        ["orders-dlq", "orders", "scores", "x*"]
    );
    assert_eq!(of("acme/other").await, ["x*"]);
    assert!(of("acm/score").await.is_empty());
}

#[tokio::test]
async fn a_grant_is_found_by_its_key_and_shows_the_policy_s_cause() {
    let mut events = flowing("1.0.0");
    events.push(
        TopicGranted {
            topic: topic_id("late"),
            permission: to_acme(Access::Subscribe),
            cause: Some(CAUSE),
        }
        .into(),
    );
    let fixture = Fixture::after(&events).await;
    let key = GrantKey::of_topic(&topic_id("late"), &to_acme(Access::Subscribe));
    let other = GrantKey::of_topic(&topic_id("late"), &to_score(Access::Subscribe));
    let asked = [key, other];
    let grants = fixture.model.grants_by_key(&asked).await.unwrap();
    let [grant] = grants.try_into().unwrap();
    assert_eq!(grant.cause, Some(CAUSE.to_string()));
}
