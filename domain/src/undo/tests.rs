//! Every event is taken back, or says why not.

use jiff::Timestamp;

use super::{Inverse, NoUndo, Past, Standing};
use crate::algorithm::VersionWithdrawn;
use crate::command::{Ctx, Decided, State};
use crate::event::Event;
use crate::flow::Flows;
use crate::grant::Access;
use crate::listener::{
    DlqCleared, ListenerSettings, ListenerSettingsChanged, ResetTarget, StartPosition,
};
use crate::organization::{MemberRemoved, Role};
use crate::publisher::PublisherVersionChanged;
use crate::testing::{
    algorithm_registered, algorithm_retired, broker_connected, broker_disconnected,
    broker_replaced, credential_rotated, dlq_set, granted, keys_connected, listener_disabled,
    listener_enabled, listener_id, listener_paused, listener_resumed, listener_version_changed,
    member_added, member_role_changed, organization_created, pattern_granted, pattern_revoked,
    position_reset, publisher_disabled, publisher_enabled, publisher_id, ready, revoked,
    topics_gained, version_published, version_withdrawn, worker_joined,
};

fn standing(events: &[Event]) -> Standing {
    let mut standing = Standing::default();
    events.iter().for_each(|event| standing.apply(event));
    standing
}

/// The inverse of the event after `before`, with `later` after that.
fn inverse(before: &[Event], event: &Event, later: &[Event]) -> Result<Inverse, NoUndo> {
    let mut all = before.to_vec();
    all.push(event.clone());
    all.extend_from_slice(later);
    let past = Past {
        before: &standing(before),
        now: &standing(&all),
        flows: &Flows::default(),
    };
    event.inverse(&past)
}

/// Decides the inverse on everything that happened.
fn decide(inverse: &Inverse, events: &[Event]) -> Decided {
    let mut decision = inverse.begin();
    events.iter().for_each(|event| decision.apply(event));
    let now = Timestamp::UNIX_EPOCH;
    decision.decide(Ctx { now })
}

/// A broker that has everything on it that an event below changes.
fn world() -> Vec<Event> {
    let mut events = ready();
    events.extend([
        version_published("acme/score", "2.0.0"),
        member_added("ann", Role::Owner),
        member_added("bob", Role::Member),
        granted("orders", Access::Subscribe),
        granted("orders", Access::Publish),
        granted("orders-dlq", Access::DeadLetter),
        pattern_granted("ord*", Access::Subscribe),
        listener_enabled("orders", "1.0.0"),
        dlq_set("orders", "orders-dlq"),
        publisher_enabled("orders", "1.*"),
    ]);
    events
}

fn wider() -> Event {
    let mut settings = ListenerSettings::starting(StartPosition::Earliest);
    settings.concurrency = 99;
    settings.filter = Some("body.a == 1".to_owned());
    settings.transform.result = Some("answer[0]".to_owned());
    ListenerSettingsChanged {
        listener: listener_id("orders"),
        settings,
    }
    .into()
}

fn other_version() -> Event {
    listener_version_changed("orders", "latest")
}

fn promoted() -> Event {
    member_role_changed("bob", Role::Owner)
}

fn removed() -> Event {
    MemberRemoved {
        organization: "acme".parse().unwrap(),
        member: "bob".parse().unwrap(),
    }
    .into()
}

fn dlq_cleared() -> Event {
    DlqCleared {
        listener: listener_id("orders"),
    }
    .into()
}

fn publisher_moved() -> Event {
    PublisherVersionChanged {
        publisher: publisher_id("orders"),
        version: "latest".parse().unwrap(),
    }
    .into()
}

#[test]
fn what_is_undone_is_as_it_was() {
    let cases = [
        (vec![], member_added("cid", Role::Executor)),
        (vec![], promoted()),
        (vec![], removed()),
        (
            vec![revoked("orders", Access::Publish)],
            granted("orders", Access::Publish),
        ),
        (vec![], revoked("orders", Access::Subscribe)),
        (vec![], pattern_granted("sco*", Access::Publish)),
        (vec![], pattern_revoked("ord*", Access::Subscribe)),
        (
            vec![listener_disabled("orders")],
            listener_enabled("orders", "2.*"),
        ),
        (vec![listener_paused("orders")], listener_disabled("orders")),
        (vec![], other_version()),
        (vec![], wider()),
        (vec![], listener_paused("orders")),
        (vec![listener_paused("orders")], listener_resumed("orders")),
        (vec![], dlq_set("orders", "scores")),
        (vec![], dlq_cleared()),
        (vec![dlq_cleared()], dlq_set("orders", "scores")),
        (
            vec![publisher_disabled("orders")],
            publisher_enabled("orders", "2.*"),
        ),
        (vec![], publisher_moved()),
        (vec![], publisher_disabled("orders")),
    ];
    for (first, event) in cases {
        let mut before = world();
        before.extend(first);
        let inverse = inverse(&before, &event, &[]).unwrap();
        let mut after = before.clone();
        after.push(event.clone());
        assert_ne!(
            standing(&after),
            standing(&before),
            "{event:?} changes nothing"
        );
        after.extend(decide(&inverse, &after).unwrap());
        assert_eq!(standing(&after), standing(&before), "{event:?}");
    }
}

#[test]
fn a_published_version_is_withdrawn_and_a_connected_broker_disconnected() {
    let published = version_published("acme/score", "3.0.0");
    let mut events = world();
    let withdraw = inverse(&events, &published, &[]).unwrap();
    events.push(published);
    let withdrawn = VersionWithdrawn {
        algorithm: "acme/score".parse().unwrap(),
        version: "3.0.0".parse().unwrap(),
        reason: None,
    };
    assert_eq!(decide(&withdraw, &events), Ok(vec![withdrawn.into()]));
    let connected = broker_connected("main");
    let disconnect = inverse(&[], &connected, &[]).unwrap();
    let disconnected = broker_disconnected("main");
    assert_eq!(decide(&disconnect, &[connected]), Ok(vec![disconnected]));
}

#[test]
fn a_rotation_goes_back_to_the_credential_before() {
    let connected = keys_connected("main");
    let rotated = |version| credential_rotated("main", version);
    let back = inverse(std::slice::from_ref(&connected), &rotated(2), &[]).unwrap();
    let events = [connected.clone(), rotated(2)];
    assert_eq!(decide(&back, &events), Ok(vec![rotated(1)]));
    let since = inverse(&[connected], &rotated(2), &[rotated(3)]);
    assert_eq!(since.unwrap_err(), NoUndo::ChangedSince);
}

#[test]
fn what_changed_since_is_not_undone_by_the_way() {
    let cases = [
        (promoted(), removed()),
        (removed(), member_added("bob", Role::Executor)),
        (
            granted("scores", Access::Publish),
            revoked("scores", Access::Publish),
        ),
        (other_version(), listener_disabled("orders")),
        (wider(), listener_disabled("orders")),
        (listener_paused("orders"), listener_resumed("orders")),
        (listener_resumed("orders"), listener_paused("orders")),
        (dlq_set("orders", "scores"), dlq_cleared()),
        (publisher_moved(), publisher_disabled("orders")),
        (
            listener_disabled("orders"),
            listener_enabled("orders", "2.0.0"),
        ),
        (
            version_published("acme/score", "3.0.0"),
            version_withdrawn("acme/score", "3.0.0"),
        ),
        (broker_connected("main"), broker_disconnected("main")),
    ];
    for (event, later) in cases {
        let undone = inverse(&world(), &event, &[later]);
        assert_eq!(undone.unwrap_err(), NoUndo::ChangedSince, "{event:?}");
    }
}

#[test]
fn what_is_final_or_was_only_reported_says_so() {
    for event in [
        organization_created("acme"),
        algorithm_registered("acme/score"),
        algorithm_retired("acme/score"),
        version_withdrawn("acme/score", "1.0.0"),
        broker_disconnected("main"),
        broker_replaced("main", "next"),
        position_reset("orders", ResetTarget::Earliest),
    ] {
        let undone = inverse(&world(), &event, &[]).unwrap_err();
        assert!(matches!(undone, NoUndo::Final(_)), "{event:?}");
    }
    for event in [topics_gained("main", &["orders"]), worker_joined()] {
        let undone = inverse(&world(), &event, &[]).unwrap_err();
        assert_eq!(undone, NoUndo::Reported, "{event:?}");
    }
}

#[test]
fn what_was_appended_together_is_taken_back_together() {
    let before = world();
    let all = |events: &[Event]| {
        let mut all = before.clone();
        all.extend_from_slice(events);
        all
    };
    for append in [
        vec![other_version(), dlq_cleared(), wider()],
        vec![
            revoked("orders", Access::Subscribe),
            revoked("orders", Access::Publish),
        ],
    ] {
        let after = all(&append);
        let flows = Flows::default();
        let back = super::inverse(&append, standing(&before), &standing(&after), &flows);
        let undone = decide(&back.unwrap(), &after).unwrap();
        let restored = standing(&[after.clone(), undone.clone()].concat());
        assert_eq!(restored, standing(&before), "{append:?}");
        // And that is taken back together, too.
        let twice = [after.clone(), undone.clone()].concat();
        let again = super::inverse(&undone, standing(&after), &standing(&twice), &flows);
        let again = decide(&again.unwrap(), &twice).unwrap();
        let restored = standing(&[twice, again].concat());
        assert_eq!(restored, standing(&after), "{append:?}");
    }
}

#[test]
fn a_listener_that_was_enabled_in_an_append_of_three_is_taken_back_and_given_back() {
    let mut before = world();
    before.push(listener_disabled("orders"));
    let append = [
        listener_enabled("orders", "2.0.0"),
        dlq_set("orders", "orders-dlq"),
        listener_paused("orders"),
    ];
    let after = [before.clone(), append.to_vec()].concat();
    let flows = Flows::default();
    let back = super::inverse(&append, standing(&before), &standing(&after), &flows).unwrap();
    let undone = decide(&back, &after).unwrap();
    let twice = [after.clone(), undone.clone()].concat();
    assert_eq!(standing(&twice), standing(&before));
    let again = super::inverse(&undone, standing(&after), &standing(&twice), &flows).unwrap();
    let again = decide(&again, &twice).unwrap();
    assert_eq!(standing(&[twice, again].concat()), standing(&after));
}

#[test]
fn nothing_of_an_append_is_undone_where_a_part_of_it_changed_since() {
    let append = [other_version(), wider()];
    let before = world();
    let after = [before.clone(), append.to_vec()].concat();
    let mut now = after.clone();
    now.push(listener_version_changed("orders", "2.0.0"));
    let flows = Flows::default();
    let undone = super::inverse(&append, standing(&before), &standing(&now), &flows);
    assert_eq!(undone.unwrap_err(), NoUndo::ChangedSince);
}
