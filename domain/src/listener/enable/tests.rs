//! Given events, when a listener is enabled, then events or a refusal.

use super::*;
use crate::broker::BrokerKind;
use crate::event::Event;
use crate::listener::StartPosition;
use crate::testing::{
    broker_disconnected, dlq_set, given, granted, listener_disabled, listener_enabled, listener_id,
    listener_paused, pattern_granted, publisher_id, queues_connected, ready, to_acme, topic_id,
    version_withdrawn,
};

fn enable() -> EnableListener {
    EnableListener {
        listener: listener_id("orders"),
        version: "1.0.0".parse().unwrap(),
        settings: ListenerSettings::starting(StartPosition::Earliest),
        dlq: None,
        paused: false,
        flows: Flows::default(),
        allow_cycle: false,
    }
}

#[test]
fn a_listener_is_enabled_and_waits() {
    let waiting = EnableListener {
        paused: true,
        ..enable()
    };
    given(ready())
        .and([granted("orders", Access::Subscribe)])
        .when(waiting)
        .then([
            listener_enabled("orders", "1.0.0"),
            listener_paused("orders"),
        ]);
}

#[test]
fn a_cycle_is_refused_with_its_path_unless_it_is_allowed() {
    let closing = EnableListener {
        flows: Flows::from_iter([Flow::Publisher(publisher_id("orders"))]),
        ..enable()
    };
    let path = closing
        .flows
        .cycle(&Flow::Listener(closing.listener.clone()))
        .unwrap();
    assert_eq!(path.to_string(), "orders → acme/score → orders");
    given(ready())
        .and([granted("orders", Access::Subscribe)])
        .when(closing.clone())
        .then_refused(Refusal::FlowCycle { path });
    let allowed = EnableListener {
        allow_cycle: true,
        ..closing
    };
    given(ready())
        .and([granted("orders", Access::Subscribe)])
        .when(allowed)
        .then([listener_enabled("orders", "1.0.0")]);
}

#[test]
fn grants_to_the_organization_and_by_pattern_permit_it_too() {
    let by_organization = granted("orders", to_acme(Access::Subscribe));
    for grant in [by_organization, pattern_granted("ord*", Access::Subscribe)] {
        given(ready())
            .and([grant])
            .when(enable())
            .then([listener_enabled("orders", "1.0.0")]);
    }
    for foreign in [
        pattern_granted("scores*", Access::Subscribe),
        pattern_granted("ord*", Access::Publish),
    ] {
        given(ready())
            .and([foreign])
            .when(enable())
            .then_refused(Refusal::NotGranted {
                topic: topic_id("orders"),
                algorithm: "acme/score".parse().unwrap(),
                access: Access::Subscribe,
            });
    }
}

#[test]
fn a_withdrawn_version_is_refused_with_the_reason() {
    given(ready())
        .and([
            granted("orders", Access::Subscribe),
            version_withdrawn("acme/score", "1.0.0"),
        ])
        .when(enable())
        .then_refused(Refusal::VersionWithdrawn {
            algorithm: "acme/score".parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
            reason: Some("it was wrong".to_owned()),
        });
}

#[test]
fn a_granted_topic_is_listened_to_with_a_granted_dlq() {
    let with_dlq = EnableListener {
        dlq: Some("orders-dlq".parse().unwrap()),
        ..enable()
    };
    given(ready())
        .and([granted("orders", Access::Subscribe)])
        .when(with_dlq.clone())
        .then_refused(Refusal::DlqNotGranted {
            topic: topic_id("orders-dlq"),
            algorithm: "acme/score".parse().unwrap(),
        });
    given(ready())
        .and([
            granted("orders", Access::Subscribe),
            granted("orders-dlq", Access::DeadLetter),
        ])
        .when(with_dlq)
        .then([
            listener_enabled("orders", "1.0.0"),
            dlq_set("orders", "orders-dlq"),
        ]);
}

#[test]
fn dead_letters_that_come_back_are_refused() {
    let closing = EnableListener {
        dlq: Some("orders-dlq".parse().unwrap()),
        flows: Flows::from_iter([Flow::DeadLetters {
            listener: listener_id("orders-dlq"),
            dlq: "orders".parse().unwrap(),
        }]),
        ..enable()
    };
    let flows = Flow::of_listener(&closing.listener, closing.dlq.as_ref());
    let path = flows
        .filter_map(|flow| closing.flows.cycle(&flow))
        .next()
        .unwrap();
    assert_eq!(path.to_string(), "orders → orders-dlq → orders");
    given(ready())
        .and([
            granted("orders", Access::Subscribe),
            granted("orders-dlq", Access::DeadLetter),
        ])
        .when(closing)
        .then_refused(Refusal::FlowCycle { path });
}

#[test]
fn without_a_subscribe_grant_it_is_refused() {
    given(ready())
        .and([granted("orders", Access::Publish)])
        .when(enable())
        .then_refused(Refusal::NotGranted {
            topic: topic_id("orders"),
            algorithm: "acme/score".parse().unwrap(),
            access: Access::Subscribe,
        });
}

#[test]
fn an_unknown_version_is_refused() {
    let unknown = EnableListener {
        version: "2.*".parse().unwrap(),
        ..enable()
    };
    given(ready())
        .and([granted("orders", Access::Subscribe)])
        .when(unknown)
        .then_refused(Refusal::UnknownVersion {
            algorithm: "acme/score".parse().unwrap(),
            selector: "2.*".parse().unwrap(),
        });
}

#[test]
fn the_source_topic_as_its_own_dlq_is_refused() {
    let own = EnableListener {
        dlq: Some("orders".parse().unwrap()),
        ..enable()
    };
    given(ready())
        .and([granted("orders", Access::Subscribe)])
        .when(own)
        .then_refused(Refusal::DlqIsSourceTopic("orders".parse().unwrap()));
}

#[test]
fn a_dlq_that_the_broker_lacks_is_refused() {
    let absent = EnableListener {
        dlq: Some("absent".parse().unwrap()),
        ..enable()
    };
    given(ready())
        .and([granted("orders", Access::Subscribe)])
        .when(absent)
        .then_refused(Refusal::UnknownTopic("absent".parse().unwrap()));
}

#[test]
fn an_enabled_listener_is_not_enabled_again() {
    given(ready())
        .and([
            granted("orders", Access::Subscribe),
            listener_enabled("orders", "1.0.0"),
        ])
        .when(enable())
        .then_refused(Refusal::ListenerAlreadyEnabled);
}

#[test]
fn a_broker_that_has_ended_is_refused() {
    given(ready())
        .and([
            granted("orders", Access::Subscribe),
            broker_disconnected("main"),
        ])
        .when(enable())
        .then_refused(Refusal::BrokerGone);
}

#[test]
fn the_first_time_a_start_is_required() {
    let mut unsaid = enable();
    unsaid.settings.start = None;
    given(ready())
        .and([granted("orders", Access::Subscribe)])
        .and([granted("scores", Access::Subscribe)])
        .and([listener_enabled("scores", "1.0.0")])
        .when(unsaid)
        .then_refused(Refusal::StartRequired(topic_id("orders")));
}

#[test]
fn enabled_again_a_start_is_optional_and_stays_what_it_was() {
    let again = |start| EnableListener {
        settings: ListenerSettings::starting(start),
        ..enable()
    };
    let before = || {
        given(ready()).and([
            granted("orders", Access::Subscribe),
            listener_enabled("orders", "1.0.0"),
            listener_disabled("orders"),
        ])
    };
    before()
        .when(again(None))
        .then([listener_enabled("orders", "1.0.0")]);
    before()
        .when(again(Some(StartPosition::Latest)))
        .then([Event::from(ListenerEnabled {
            listener: listener_id("orders"),
            version: "1.0.0".parse().unwrap(),
            settings: ListenerSettings::starting(StartPosition::Latest),
            cause: None,
        })]);
}

#[test]
fn a_listener_of_a_queue_takes_no_start() {
    let queues = || {
        let mut events = ready();
        events[0] = queues_connected("main");
        given(events).and([granted("orders", Access::Subscribe)])
    };
    queues()
        .when(enable())
        .then_refused(Refusal::NothingToStartAt {
            kind: BrokerKind::Sqs,
            field: "settings.start",
        });
    let mut unsaid = enable();
    unsaid.settings.start = None;
    queues()
        .when(unsaid.clone())
        .then([Event::from(ListenerEnabled {
            listener: unsaid.listener,
            version: unsaid.version,
            settings: unsaid.settings,
            cause: None,
        })]);
}

#[test]
fn settings_out_of_bounds_are_refused_by_field() {
    let mut wild = enable();
    wild.settings.concurrency = 0;
    given(ready())
        .and([granted("orders", Access::Subscribe)])
        .when(wild)
        .then_refused(Refusal::OutOfBounds {
            field: "settings.concurrency",
            min: 1,
            max: 1024,
        });
}
