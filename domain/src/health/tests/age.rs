//! How long a message is called again.

use super::*;

const AGE: Duration = Duration::from_secs(60);

impl Given {
    /// A call of the message fails, which is called again for a minute; others are answered before.
    fn fails(&mut self, history: &mut History, attempts: u32) -> Sentence {
        self.fails_so(history, AGAIN, attempts)
    }

    fn fails_so(&mut self, history: &mut History, verdict: Verdict, attempts: u32) -> Sentence {
        self.several(Verdict::Succeeded);
        let call = self.begin(1);
        let policy = RetryPolicy {
            max_age_ms: Some(AGE.as_millis() as u64),
            max_backoff_ms: 86_400_000,
            ..RetryPolicy::default()
        };
        let terms = Terms {
            policy,
            attempts,
            allowed: 100,
            batches_callers: false,
            unit: 0.999,
        };
        self.health
            .finished(self.now, &call, history, verdict, terms)
    }
}

#[test]
fn a_message_that_fails_after_its_age_is_faulty_though_it_has_attempts_left() {
    let mut given = Given::concurrency(2);
    let mut history = History::default();
    for attempts in 1..=4 {
        let ended = given.fails(&mut history, attempts);
        assert!(matches!(ended, Sentence::Again { .. }), "{attempts}");
        given.now += Duration::from_secs(15);
    }
    let ended = given.fails(&mut history, 5);
    assert_eq!(ended, Sentence::Faulty(Reason::TooOld));
}

#[test]
fn the_last_call_is_made_when_it_has_the_age() {
    let mut given = Given::concurrency(2);
    let mut history = History::default();
    for attempts in 1..=20 {
        match given.fails(&mut history, attempts) {
            Sentence::Again { wait, .. } => given.now += wait,
            ended @ (Sentence::Passed | Sentence::Faulty(_)) => {
                assert_eq!(ended, Sentence::Faulty(Reason::TooOld));
                assert_eq!(given.now, AGE);
                return;
            }
        }
    }
    panic!("it should have ended");
}

#[test]
fn time_in_which_the_listener_is_held_makes_nobody_older() {
    let long = Duration::from_secs(3600);
    let mut given = Given::concurrency(2);
    let mut history = History::default();
    given.fails(&mut history, 1);
    // The endpoint is down, and up again.
    for _ in 0..10 {
        given.one(AGAIN);
    }
    assert_eq!(given.reason(), Some(Reason::EndpointUnavailable));
    given.now += long;
    assert!(matches!(
        given.fails(&mut history, 2),
        Sentence::Again { .. }
    ));
    // A probe of it fails, and it waits for the next one.
    for _ in 0..10 {
        given.one(AGAIN);
    }
    let probe = given.begin(1);
    given.end(&probe, &mut history, AGAIN);
    given.now += long;
    assert!(matches!(
        given.fails(&mut history, 3),
        Sentence::Again { .. }
    ));
    // There is no version to call.
    history.held();
    given.now += long;
    assert!(matches!(
        given.fails(&mut history, 4),
        Sentence::Again { .. }
    ));
    // The endpoint asks for a wait, the message itself or another.
    let after = Some(Duration::from_secs(50));
    given.fails_so(&mut history, Verdict::Wait { after }, 5);
    given.now += long;
    assert!(matches!(
        given.fails(&mut history, 5),
        Sentence::Again { .. }
    ));
    given.one(Verdict::Wait { after });
    given.now += long;
    assert!(matches!(
        given.fails(&mut history, 6),
        Sentence::Again { .. }
    ));
    given.now += AGE;
    let ended = given.fails(&mut history, 7);
    assert_eq!(ended, Sentence::Faulty(Reason::TooOld));
}

#[test]
fn while_nobody_is_answered_no_message_is_too_old() {
    let mut given = Given::concurrency(1);
    let mut history = History::default();
    let policy = RetryPolicy {
        max_age_ms: Some(1),
        ..RetryPolicy::default()
    };
    for _ in 0..100 {
        let call = given.begin(1);
        let terms = Terms {
            policy,
            attempts: 1,
            allowed: 5,
            batches_callers: false,
            unit: 0.5,
        };
        let ended = given
            .health
            .finished(given.now, &call, &mut history, AGAIN, terms);
        assert!(matches!(ended, Sentence::Again { .. }));
        given.now += Duration::from_secs(1);
    }
}
