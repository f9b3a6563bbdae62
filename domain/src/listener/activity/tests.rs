//! Each code, and the sentence that goes with it.

use super::*;
use crate::ids::WorkerId;
use crate::testing::WORKER;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn consumer(state: ConsumerState, reason: Option<&str>) -> ConsumerStatus {
    ConsumerStatus {
        worker: WORKER,
        state,
        reason: reason.map(str::to_owned),
        since: at(60),
        partitions: 3,
        lag: None,
        updated_at: at(90),
        is_stale: false,
    }
}

fn behind(messages: u64) -> ConsumerStatus {
    ConsumerStatus {
        lag: Some(Lag {
            messages,
            oldest_at: None,
            measured_at: at(90),
        }),
        ..consumer(ConsumerState::Assigned, None)
    }
}

fn enabled(consumers: &[ConsumerStatus]) -> Facts<'_> {
    Facts {
        enabled: true,
        pause: None,
        problem: None,
        consumers,
    }
}

fn says(facts: Facts<'_>, code: ActivityCode, text: &str) {
    let status = ListenerActivity::of(facts);
    assert_eq!((status.code, status.text.as_str()), (code, text));
}

fn consumers_say(consumers: &[ConsumerStatus], code: ActivityCode, text: &str) {
    says(enabled(consumers), code, text);
}

#[test]
fn a_disabled_listener() {
    let facts = Facts {
        enabled: false,
        ..enabled(&[])
    };
    says(facts, ActivityCode::Disabled, "It is disabled.");
}

#[test]
fn a_paused_listener_says_who_paused_it() {
    let pause = Pause {
        by: "anna".to_owned(),
        at: at(60),
    };
    let facts = Facts {
        pause: Some(&pause),
        ..enabled(&[])
    };
    let text = "anna paused it at 1970-01-01 00:01:00 UTC.";
    says(facts, ActivityCode::Paused, text);
    assert_eq!(ListenerActivity::of(facts).since, Some(at(60)));
}

#[test]
fn a_listener_without_a_version() {
    let problem = Problem::NoVersion("no published version matches".to_owned());
    let facts = Facts {
        problem: Some(&problem),
        ..enabled(&[])
    };
    let text = "There is no version to call: no published version matches.";
    says(facts, ActivityCode::NoVersion, text);
}

#[test]
fn a_dead_letter_queue_without_grant() {
    let why = "acme/score has no DEAD_LETTER or PUBLISH grant on dlq";
    let problem = Problem::DlqNotGranted(why.to_owned());
    let running = [behind(0)];
    let facts = Facts {
        problem: Some(&problem),
        ..enabled(&running)
    };
    let text = format!("It consumes nothing: {why}.");
    says(facts, ActivityCode::DlqNotGranted, &text);
}

#[test]
fn no_worker_is_live() {
    let text = "No worker is live that serves it.";
    consumers_say(&[], ActivityCode::NoWorker, text);
    let gone = ConsumerStatus {
        is_stale: true,
        ..behind(0)
    };
    let text = "No worker is live that serves it; the last one was seen at \
                1970-01-01 00:01:30 UTC.";
    consumers_say(&[gone], ActivityCode::NoWorker, text);
}

#[test]
fn a_topic_that_is_missing() {
    let missing = consumer(ConsumerState::TopicMissing, None);
    let text = "Its topic has been missing on the broker since 1970-01-01 00:01:00 UTC.";
    consumers_say(&[missing], ActivityCode::TopicMissing, text);
}

#[test]
fn a_broker_that_is_away() {
    let away = consumer(ConsumerState::Unreachable, Some("connection refused"));
    let text = "Its broker has been unreachable since 1970-01-01 00:01:00 UTC: connection refused.";
    consumers_say(&[away], ActivityCode::BrokerUnreachable, text);
}

#[test]
fn a_consumer_that_failed() {
    let failed = consumer(ConsumerState::Failed, Some("the journal is closed"));
    let text = "A consumer failed at 1970-01-01 00:01:00 UTC and will be started again: \
                the journal is closed.";
    consumers_say(&[failed], ActivityCode::ConsumerFailed, text);
}

#[test]
fn a_listener_that_is_blocked() {
    let blocked = consumer(ConsumerState::Blocked, Some("no_dlq: none is set"));
    let text =
        "It has been holding its position since 1970-01-01 00:01:00 UTC: no_dlq: none is set.";
    consumers_say(&[blocked], ActivityCode::Blocked, text);
}

#[test]
fn a_transaction_that_does_not_end() {
    let reason = Some("up to 11 messages wait for its end");
    let open = consumer(ConsumerState::TransactionOpen, reason);
    let text = "A transaction on its topic has been open since 1970-01-01 00:01:00 UTC: \
                up to 11 messages wait for its end.";
    consumers_say(&[open], ActivityCode::TransactionOpen, text);
}

#[test]
fn a_consumer_that_waits_for_its_group() {
    let joining = consumer(ConsumerState::Joining, None);
    let text = "It has been waiting for its consumer group since 1970-01-01 00:01:00 UTC.";
    consumers_say(&[joining], ActivityCode::Joining, text);
}

#[test]
fn a_lag_that_is_not_known() {
    let running = consumer(ConsumerState::Assigned, None);
    consumers_say(
        &[behind(3), running],
        ActivityCode::Running,
        "It is running.",
    );
}

#[test]
fn a_backlog_is_that_of_all_consumers() {
    let text = "It is running, one message behind.";
    consumers_say(&[behind(0), behind(1)], ActivityCode::Behind, text);
    let text = "It is running, 5 messages behind.";
    consumers_say(&[behind(2), behind(3)], ActivityCode::Behind, text);
}

#[test]
fn nothing_is_left_to_do() {
    let text = "It is running and up to date.";
    consumers_say(&[behind(0)], ActivityCode::UpToDate, text);
}

#[test]
fn what_keeps_one_consumer_from_moving_is_said_before_what_others_do() {
    let blocked = consumer(ConsumerState::Blocked, Some("down"));
    let joining = ConsumerStatus {
        worker: WorkerId(uuid::Uuid::nil()),
        ..consumer(ConsumerState::Joining, None)
    };
    let code = |consumers: &[ConsumerStatus]| ListenerActivity::of(enabled(consumers)).code;
    let gone = ConsumerStatus {
        is_stale: true,
        ..blocked.clone()
    };
    assert_eq!(code(&[behind(0), blocked]), ActivityCode::Blocked);
    assert_eq!(code(&[behind(0), gone]), ActivityCode::UpToDate);
    assert_eq!(
        code(&[joining, consumer(ConsumerState::Assigned, None)]),
        ActivityCode::Running
    );
}
