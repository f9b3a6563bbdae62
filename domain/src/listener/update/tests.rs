//! A listener is changed as a whole, in part, or not at all.

use super::*;
use crate::grant::Access;
use crate::listener::{
    BatchPatch, BatchPolicy, ListenerSettings, MessageOrdering, RetryPatch, StartPosition,
    TransformPatch,
};
use crate::testing::{
    broker_disconnected, dlq_set, given, granted, listener_enabled, listener_id, pattern_granted,
    publisher_id, ready, topic_id, version_published, version_withdrawn,
};

fn nothing() -> UpdateListener {
    UpdateListener::nothing_of(&listener_id("orders"))
}

fn version(version: &str) -> UpdateListener {
    UpdateListener {
        version: Some(version.parse().unwrap()),
        ..nothing()
    }
}

fn dlq(dlq: Option<&str>) -> UpdateListener {
    UpdateListener {
        dlq: Some(dlq.map(|dlq| dlq.parse().unwrap())),
        ..nothing()
    }
}

fn settings(settings: SettingsPatch) -> UpdateListener {
    UpdateListener {
        settings,
        ..nothing()
    }
}

fn wider() -> SettingsPatch {
    SettingsPatch {
        concurrency: Some(64),
        ..SettingsPatch::default()
    }
}

fn moved(version: &str) -> Event {
    ListenerVersionChanged {
        listener: listener_id("orders"),
        version: version.parse().unwrap(),
    }
    .into()
}

fn cleared() -> Event {
    DlqCleared {
        listener: listener_id("orders"),
    }
    .into()
}

fn changed(change: impl FnOnce(&mut ListenerSettings)) -> Event {
    let mut settings = ListenerSettings::starting(StartPosition::Earliest);
    change(&mut settings);
    ListenerSettingsChanged {
        listener: listener_id("orders"),
        settings,
    }
    .into()
}

/// A listener at 1.0.0 without a dead letter queue, which may have one, and another version.
fn enabled() -> Vec<Event> {
    let mut events = ready();
    events.extend([
        version_published("acme/score", "1.1.0"),
        granted("orders-dlq", Access::DeadLetter),
        listener_enabled("orders", "1.0.0"),
    ]);
    events
}

#[test]
fn everything_changes_in_one_decision() {
    let update = UpdateListener {
        version: version("1.1.0").version,
        dlq: dlq(Some("orders-dlq")).dlq,
        settings: wider(),
        ..nothing()
    };
    given(enabled()).when(update).then([
        moved("1.1.0"),
        dlq_set("orders", "orders-dlq"),
        changed(|settings| settings.concurrency = 64),
    ]);
}

#[test]
fn nothing_changes_where_one_part_is_refused() {
    let update = UpdateListener {
        version: version("1.1.0").version,
        settings: SettingsPatch {
            concurrency: Some(0),
            ..SettingsPatch::default()
        },
        ..nothing()
    };
    given(enabled())
        .when(update)
        .then_refused(Refusal::OutOfBounds {
            field: "settings.concurrency",
            min: 1,
            max: 1024,
        });
}

#[test]
fn what_is_left_out_stays() {
    given(enabled()).when(nothing()).then([]);
    given(enabled())
        .and([changed(|settings| settings.concurrency = 8)])
        .when(settings(SettingsPatch {
            retry: RetryPatch {
                max_attempts: Some(9),
                ..RetryPatch::default()
            },
            ..SettingsPatch::default()
        }))
        .then([changed(|settings| {
            settings.concurrency = 8;
            settings.retry.max_attempts = 9;
        })]);
}

#[test]
fn what_is_as_it_should_be_is_no_news_whatever_has_ended_since() {
    let same = UpdateListener {
        version: version("1.0.0").version,
        dlq: dlq(Some("orders-dlq")).dlq,
        settings: (&ListenerSettings::starting(StartPosition::Latest)).into(),
        ..nothing()
    };
    given(enabled())
        .and([
            dlq_set("orders", "orders-dlq"),
            version_withdrawn("acme/score", "1.0.0"),
            broker_disconnected("main"),
        ])
        .when(same)
        .then([]);
}

#[test]
fn a_version_that_nothing_matches_is_refused() {
    given(enabled())
        .when(version("9.0.0"))
        .then_refused(Refusal::UnknownVersion {
            algorithm: "acme/score".parse().unwrap(),
            selector: "9.0.0".parse().unwrap(),
        });
}

#[test]
fn an_age_is_bounded_and_removed() {
    let age = |max_age_ms| {
        settings(SettingsPatch {
            retry: RetryPatch {
                max_age_ms: Some(max_age_ms),
                ..RetryPatch::default()
            },
            ..SettingsPatch::default()
        })
    };
    given(enabled())
        .when(age(Some(1_209_600_001)))
        .then_refused(Refusal::OutOfBounds {
            field: "settings.retry.maxAgeMs",
            min: 1,
            max: 1_209_600_000,
        });
    given(enabled())
        .and([changed(|settings| settings.retry.max_age_ms = Some(9))])
        .when(age(None))
        .then([changed(|_| {})]);
}

#[test]
fn a_batch_is_set_changed_and_removed() {
    let batch = |batch| {
        settings(SettingsPatch {
            batch: Some(batch),
            ..SettingsPatch::default()
        })
    };
    let count = |count| BatchPatch {
        count: Some(count),
        ..BatchPatch::default()
    };
    let has = |change: fn(&mut BatchPolicy)| {
        changed(move |settings| {
            let mut batch = BatchPolicy::default();
            change(&mut batch);
            settings.batch = Some(batch);
        })
    };
    given(enabled())
        .when(batch(Some(BatchPatch::default())))
        .then([has(|_| {})]);
    given(enabled())
        .and([has(|batch| batch.wait_ms = 7)])
        .when(batch(Some(count(64))))
        .then([has(|batch| {
            batch.wait_ms = 7;
            batch.count = 64;
        })]);
    given(enabled())
        .and([has(|_| {})])
        .when(batch(None))
        .then([changed(|_| {})]);
    let ordered = changed(|settings| settings.ordering = MessageOrdering::Key);
    given(enabled())
        .and([ordered])
        .when(batch(Some(BatchPatch::default())))
        .then_refused(Refusal::OutOfRange {
            field: "settings.batch",
            rule: "left out unless the ordering is NONE: messages of a batch have no order",
        });
    let many = changed(|settings| settings.concurrency = 1024);
    given(enabled())
        .and([many])
        .when(batch(Some(count(17))))
        .then_refused(Refusal::OutOfRange {
            field: "settings.batch.count",
            rule: "at most 16,384 by concurrency",
        });
}

#[test]
fn settings_that_do_not_fit_together_are_refused_by_field() {
    given(enabled())
        .when(settings(SettingsPatch {
            retry: RetryPatch {
                max_backoff_ms: Some(499),
                ..RetryPatch::default()
            },
            ..SettingsPatch::default()
        }))
        .then_refused(Refusal::OutOfBounds {
            field: "settings.retry.maxBackoffMs",
            min: 500,
            max: 86_400_000,
        });
}

#[test]
fn an_expression_is_set_and_removed_and_the_others_stay() {
    let filter = |filter: Option<&str>| {
        settings(SettingsPatch {
            filter: Some(filter.map(str::to_owned)),
            ..SettingsPatch::default()
        })
    };
    let result = |settings: &mut ListenerSettings| {
        settings.transform.result = Some("answer[0]".to_owned());
    };
    given(enabled())
        .and([changed(result)])
        .when(filter(Some("body.a == 1")))
        .then([changed(|settings| {
            result(settings);
            settings.filter = Some("body.a == 1".to_owned());
        })]);
    given(enabled())
        .and([changed(|settings| {
            settings.filter = Some("true".to_owned())
        })])
        .when(filter(None))
        .then([changed(|_| {})]);
}

#[test]
fn an_expression_that_is_too_long_is_refused() {
    let transform = TransformPatch {
        request: Some(Some("x".repeat(4097))),
        ..TransformPatch::default()
    };
    given(enabled())
        .when(settings(SettingsPatch {
            transform,
            ..SettingsPatch::default()
        }))
        .then_refused(Refusal::TooLarge {
            field: "settings.transform.request",
            bytes: 4097,
            most: 4096,
        });
}

#[test]
fn a_dlq_needs_a_grant_to_dead_letter_or_to_publish() {
    let refused = Refusal::DlqNotGranted {
        topic: topic_id("orders-dlq"),
        algorithm: "acme/score".parse().unwrap(),
    };
    for insufficient in [
        granted("orders", Access::DeadLetter),
        granted("orders-dlq", Access::Subscribe),
        pattern_granted("scores*", Access::Publish),
    ] {
        given(ready())
            .and([listener_enabled("orders", "1.0.0"), insufficient])
            .when(dlq(Some("orders-dlq")))
            .then_refused(refused.clone());
    }
    for sufficient in [
        granted("orders-dlq", Access::DeadLetter),
        granted("orders-dlq", Access::Publish),
        pattern_granted("*-dlq", Access::DeadLetter),
        pattern_granted("*-dlq", Access::Publish),
    ] {
        given(ready())
            .and([listener_enabled("orders", "1.0.0"), sufficient])
            .when(dlq(Some("orders-dlq")))
            .then([dlq_set("orders", "orders-dlq")]);
    }
}

#[test]
fn dead_letters_that_come_back_are_refused_unless_that_is_allowed() {
    let closing = UpdateListener {
        flows: Flows::from_iter([
            Flow::Listener(listener_id("orders-dlq")),
            Flow::Publisher(publisher_id("orders")),
        ]),
        ..dlq(Some("orders-dlq"))
    };
    let flow = Flow::DeadLetters {
        listener: closing.listener.clone(),
        dlq: "orders-dlq".parse().unwrap(),
    };
    let path = closing.flows.cycle(&flow).unwrap();
    assert_eq!(
        path.to_string(),
        "orders → orders-dlq → acme/score → orders"
    );
    given(enabled())
        .when(closing.clone())
        .then_refused(Refusal::FlowCycle { path });
    let allowed = UpdateListener {
        allow_cycle: true,
        ..closing
    };
    given(enabled())
        .when(allowed)
        .then([dlq_set("orders", "orders-dlq")]);
}

#[test]
fn the_source_topic_and_absent_topics_take_no_faulty_messages() {
    given(enabled())
        .when(dlq(Some("orders")))
        .then_refused(Refusal::DlqIsSourceTopic("orders".parse().unwrap()));
    given(enabled())
        .when(dlq(Some("absent")))
        .then_refused(Refusal::UnknownTopic("absent".parse().unwrap()));
}

#[test]
fn a_broker_that_has_ended_gets_no_dlq() {
    given(enabled())
        .and([broker_disconnected("main")])
        .when(dlq(Some("orders-dlq")))
        .then_refused(Refusal::BrokerGone);
}

#[test]
fn a_dlq_is_cleared_once() {
    given(enabled())
        .and([dlq_set("orders", "orders-dlq")])
        .when(dlq(None))
        .then([cleared()]);
    given(enabled())
        .and([dlq_set("orders", "orders-dlq"), cleared()])
        .when(dlq(None))
        .then([]);
}

#[test]
fn a_disabled_listener_is_refused() {
    for update in [nothing(), version("1.0.0"), dlq(None), settings(wider())] {
        given(ready())
            .when(update)
            .then_refused(Refusal::ListenerNotEnabled);
    }
}
