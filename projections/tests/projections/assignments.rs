//! What workers are to run.

use std::collections::{BTreeMap, BTreeSet};

use domain::broker::BrokerSettings;
use domain::grant::Access;
use domain::listener::{ListenerSettings, ListenerSettingsChanged, ResetTarget, StartPosition};
use domain::testing::{
    algorithm_retired, broker_disconnected, broker_id, broker_replaced, credential_rotated,
    granted, listener_disabled, listener_enabled, listener_id, listener_paused, listener_resumed,
    pattern_granted, pattern_revoked, position_reset, publisher_enabled, revoked, to_acme,
    to_score, version_published, version_withdrawn,
};
use domain::{Event, Position, PositionReset};

use crate::events::flowing;
use crate::fixture::{Fixture, assignment_pages, assignments, history};
use crate::outputs::{elsewhere, known};

#[tokio::test]
async fn an_enabled_listener_is_assigned_with_all_a_worker_needs() {
    let mut events = flowing("1.*");
    events.push(publisher_enabled("scores", "1.0.0"));
    let fixture = Fixture::after(&events).await;
    let (position, changes) = assignments(&fixture.model, None).await;
    assert_eq!(position, fixture.model.position());
    let assignment = changes[0].assignment.as_ref().unwrap();
    assert_eq!(assignment.listener, listener_id("orders"));
    let connected = fixture
        .model
        .brokers_by_id(&[broker_id("main")])
        .await
        .unwrap();
    assert_eq!(
        assignment.group,
        listener_id("orders").group(connected[0].connected_at)
    );
    assert_eq!(assignment.dlq, "orders-dlq".parse().ok());
    let version = assignment.version.as_ref().unwrap();
    assert_eq!(version.endpoint, "http://127.0.0.1:9000/1.0.0");
    assert_eq!(known(assignment)[0].topic.as_str(), "scores");
}

#[tokio::test]
async fn assignments_resume_with_what_changed_and_what_is_to_stop() {
    let fixture = Fixture::new().await;
    let mut events = flowing("latest");
    fixture.apply(&history(&events)).await;
    let (seen, _) = assignments(&fixture.model, None).await;

    events.push(version_published("acme/score", "2.0.0"));
    fixture.apply(&history(&events)[events.len() - 1..]).await;
    let (seen, changes) = assignments(&fixture.model, Some(seen)).await;
    let assignment = changes[0].assignment.as_ref().unwrap();
    let resolved = &assignment.version.as_ref().unwrap().version;
    assert_eq!(resolved.to_string(), "2.0.0");

    events.push(revoked("orders", Access::Subscribe));
    fixture.apply(&history(&events)[events.len() - 1..]).await;
    let (seen, changes) = assignments(&fixture.model, Some(seen)).await;
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].assignment, None, "no grant, nothing to run");

    let (_, nothing) = assignments(&fixture.model, Some(seen)).await;
    assert_eq!(nothing, []);
    let (_, from_start) = assignments(&fixture.model, None).await;
    assert_eq!(from_start, []);
}

/// Events after each of which the listener is assigned, or is not.
async fn is_assigned_after(before: Vec<Event>, steps: Vec<(Event, bool)>) {
    let fixture = Fixture::new().await;
    let mut events = before;
    fixture.apply(&history(&events)).await;
    let (mut seen, _) = assignments(&fixture.model, None).await;
    for (step, there) in steps {
        let before = fixture.assigned().await.len();
        let name = format!("{step:?}");
        events.push(step);
        fixture.apply(&history(&events)[events.len() - 1..]).await;
        assert_eq!(fixture.assigned().await.len(), usize::from(there), "{name}");
        let (position, changes) = assignments(&fixture.model, Some(seen)).await;
        seen = position;
        let told = changes.iter().any(|c| c.assignment.is_some() == there);
        assert_eq!(told, before != usize::from(there), "{name}: {changes:?}");
    }
}

#[tokio::test]
async fn a_listener_is_assigned_as_long_as_any_grant_covers_it() {
    let subscribe = || to_score(Access::Subscribe);
    let all = || to_acme(Access::Subscribe);
    let steps = vec![
        (granted("orders", all()), true),
        (revoked("orders", Access::Subscribe), true),
        (pattern_granted("ord*", subscribe()), true),
        (revoked("orders", all()), true),
        (pattern_granted("*", all()), true),
        (pattern_revoked("ord*", subscribe()), true),
        (pattern_revoked("*", all()), false),
        (pattern_granted("invoices*", all()), false),
        (pattern_granted("*", to_acme(Access::Publish)), false),
        (granted("orders", all()), true),
        (revoked("orders", all()), false),
        (pattern_granted("*ers", subscribe()), true),
    ];
    is_assigned_after(flowing("1.0.0"), steps).await;
}

#[tokio::test]
async fn a_paused_listener_has_no_assignment_until_it_is_resumed() {
    let steps = vec![
        (listener_paused("orders"), false),
        (listener_resumed("orders"), true),
    ];
    is_assigned_after(flowing("1.0.0"), steps).await;
}

#[tokio::test]
async fn a_worker_that_saw_the_middle_of_a_batch_gets_its_end() {
    let fixture = Fixture::new().await;
    let mut events = flowing("1.0.0");
    fixture.apply(&history(&events)).await;
    let before = events.len();
    events.push(revoked("orders", Access::Subscribe));
    let told = Position(events.len() as u64);
    events.push(granted("orders", Access::Subscribe));
    fixture.apply(&history(&events)[before..]).await;
    // By another generation, whose batch ended there: that the listener is to stop.
    let (_, changes) = assignments(&fixture.model, Some(told)).await;
    assert_eq!(changes.len(), 1);
    assert!(changes[0].assignment.is_some());
}

#[tokio::test]
async fn the_last_reset_is_assigned_and_stays_when_the_listener_is_enabled_again() {
    let mut events = flowing("1.0.0");
    events.push(position_reset("orders", ResetTarget::Latest));
    events.push(listener_paused("orders"));
    events.push(position_reset("orders", ResetTarget::Earliest));
    let reset = PositionReset {
        at: Position(events.len() as u64),
        to: ResetTarget::Earliest,
    };
    events.push(listener_disabled("orders"));
    events.push(listener_enabled("orders", "1.0.0"));
    let fixture = Fixture::after(&events).await;
    let (_, changes) = assignments(&fixture.model, None).await;
    let assignment = changes[0].assignment.as_ref().unwrap();
    assert_eq!(assignment.reset, Some(reset));
}

#[tokio::test]
async fn changed_settings_are_assigned() {
    let mut events = flowing("1.0.0");
    let settings = ListenerSettings {
        concurrency: 3,
        filter: Some("body.a == 'x'".to_owned()),
        ..ListenerSettings::starting(StartPosition::Earliest)
    };
    events.push(
        ListenerSettingsChanged {
            listener: listener_id("orders"),
            settings: settings.clone(),
        }
        .into(),
    );
    let fixture = Fixture::after(&events).await;
    assert_eq!(fixture.assigned().await[0].settings, settings);
}

#[tokio::test]
async fn a_withdrawn_version_is_never_assigned() {
    let mut events = flowing("latest");
    events.extend([
        version_published("acme/score", "1.1.0"),
        version_withdrawn("acme/score", "1.1.0"),
    ]);
    let fixture = Fixture::after(&events).await;
    let assigned = fixture.assigned().await;
    let version = assigned[0].version.as_ref().unwrap();
    assert_eq!(version.version.to_string(), "1.0.0");

    let mut events = flowing("1.0.0");
    events.extend([
        version_published("acme/score", "1.1.0"),
        version_withdrawn("acme/score", "1.0.0"),
    ]);
    let fixture = Fixture::after(&events).await;
    assert_eq!(fixture.assigned().await[0].version, None, "to the letter");
}

#[tokio::test]
async fn a_retired_algorithm_is_assigned_without_a_version() {
    let mut events = flowing("latest");
    events.push(algorithm_retired("acme/score"));
    let fixture = Fixture::after(&events).await;
    assert_eq!(fixture.assigned().await[0].version, None);
}

#[tokio::test]
async fn a_dead_letter_queue_needs_a_grant_of_any_kind() {
    let dead_letter = || to_score(Access::DeadLetter);
    let all = || to_acme(Access::DeadLetter);
    let mut events = flowing("1.0.0");
    let fixture = Fixture::after(&events).await;
    assert!(!fixture.assigned().await[0].dlq_not_granted);
    let steps: [(Event, bool); 6] = [
        (revoked("orders-dlq", dead_letter()), true),
        (granted("orders-dlq", Access::Publish), false),
        (revoked("orders-dlq", to_score(Access::Publish)), true),
        (granted("orders-dlq", Access::Subscribe), true),
        (pattern_granted("*-dlq", all()), false),
        (pattern_revoked("*-dlq", all()), true),
    ];
    for (step, not_granted) in steps {
        events.push(step);
        fixture.apply(&history(&events)[events.len() - 1..]).await;
        let assigned = fixture.assigned().await.remove(0);
        assert_eq!(assigned.dlq, "orders-dlq".parse().ok());
        assert_eq!(assigned.dlq_not_granted, not_granted, "{:?}", events.last());
        let lacking = fixture
            .model
            .without_dlq_grant(&[listener_id("orders")])
            .await
            .unwrap();
        assert_eq!(lacking.len(), usize::from(not_granted));
    }
}

#[tokio::test]
async fn a_broker_that_is_replaced_ends_as_one_that_is_disconnected() {
    for end in [broker_replaced("main", "next"), broker_disconnected("main")] {
        is_assigned_after(flowing("1.0.0"), vec![(end, false)]).await;
    }
}

#[tokio::test]
async fn a_broker_is_sent_once_and_again_when_its_credential_has_changed() {
    let mut events = flowing("1.0.0");
    events.extend(elsewhere());
    let fixture = Fixture::after(&events).await;
    let brokers = async |after| {
        let pages = assignment_pages(&fixture.model, after).await;
        let brokers = pages.into_iter().flat_map(|page| page.brokers);
        let version = |settings: BrokerSettings| settings.credential().map(|used| used.version);
        let used = brokers.map(|told| (told.broker, version(told.settings)));
        used.collect::<BTreeMap<_, _>>()
    };
    let both = BTreeMap::from([(broker_id("main"), None), (broker_id("keys"), Some(1))]);
    assert_eq!(brokers(None).await, both);
    let seen = fixture.model.position();
    assert_eq!(brokers(Some(seen)).await, BTreeMap::new());
    events.push(credential_rotated("keys", 2));
    fixture.apply(&history(&events)[events.len() - 1..]).await;
    let rotated = BTreeMap::from([(broker_id("keys"), Some(2))]);
    assert_eq!(brokers(Some(seen)).await, rotated);
    let (_, changed) = assignments(&fixture.model, Some(seen)).await;
    assert_eq!(changed, [], "assignments name brokers by their ids");
}

#[tokio::test]
async fn a_broker_is_sent_again_with_all_that_it_took_over_from() {
    let mut events = flowing("1.0.0");
    for (old, next) in [("main", "second"), ("second", "third")] {
        events.push(domain::testing::broker_connected(next));
        events.push(broker_replaced(old, next));
    }
    let fixture = Fixture::after(&events).await;
    let third = broker_id("third");
    let told = fixture.model.assigned_brokers(&[third]).await.unwrap();
    let before = BTreeSet::from(["main", "second"].map(broker_id));
    assert_eq!(told[0].replaces, before);
    let before_last = Some(Position(events.len() as u64 - 1));
    let pages = assignment_pages(&fixture.model, before_last).await;
    let sent = pages.into_iter().flat_map(|page| page.brokers);
    assert_eq!(sent.collect::<Vec<_>>(), told);
}

/// An answer of the API holds a mebibyte, and a page is to fit with what surrounds it.
#[tokio::test]
async fn a_page_of_assignments_is_bounded_and_every_listener_is_in_one() {
    let count = 1_500;
    let mut events = flowing("1.0.0");
    for number in 0..count {
        let topic = format!("orders-{number:04}-{}", "x".repeat(200));
        events.push(granted(&topic, Access::Subscribe));
        events.push(listener_enabled(&topic, "1.0.0"));
    }
    let fixture = Fixture::after(&events).await;
    let pages = assignment_pages(&fixture.model, None).await;
    assert!(pages.len() > 3, "{}", pages.len());
    for page in &pages {
        let bodies = page
            .changes
            .iter()
            .map(|c| serde_json::to_string(&c.assignment).unwrap());
        let bytes: usize = bodies.map(|body| body.len()).sum();
        assert!(bytes < 512 * 1024, "{bytes}");
        assert_eq!(page.position, fixture.model.position());
    }
    assert_eq!(pages[0].brokers.len(), 1);
    let listeners = pages.iter().flat_map(|page| &page.changes);
    let listeners: BTreeSet<_> = listeners
        .map(|change| change.listener.to_string())
        .collect();
    assert_eq!(listeners.len(), count + 1);
}
