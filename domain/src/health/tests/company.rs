//! Messages that are called with nobody beside them.

use super::*;

/// Whether the message is to be called once more alone.
fn is_asked_alone(sentence: Sentence) -> bool {
    matches!(
        sentence,
        Sentence::Again {
            company: Company::NobodyIfSoon,
            ..
        }
    )
}

#[test]
fn a_message_that_is_refused_beside_others_is_called_once_more_alone() {
    let mut given = Given::concurrency(4);
    let mut histories = [History::default(), History::default()];
    let (bad, good) = (given.begin(1), given.begin(2));
    assert!(is_asked_alone(given.end(&bad, &mut histories[0], REFUSED)));
    assert!(is_asked_alone(given.end(&good, &mut histories[1], REFUSED)));
    let bad = given.begin_alone(1);
    let ended = given.end(&bad, &mut histories[0], REFUSED);
    assert_eq!(ended, Sentence::Faulty(Reason::Refused));
    let good = given.begin_alone(2);
    let ended = given.end(&good, &mut histories[1], Verdict::Succeeded);
    assert_eq!(ended, Sentence::Passed);
}

#[test]
fn one_that_is_to_be_called_alone_waits_two_seconds_for_others_to_end() {
    let mut given = Given::concurrency(4);
    let long = given.begin(1);
    let alone = Candidate {
        is_fresh: false,
        company: Company::NobodyIfSoon,
    };
    given.health.arrive(alone, 2);
    given.health.arrive(FRESH, 3);
    assert!(given.health.next(given.now).is_none());
    let late = given.now + Duration::from_secs(2);
    assert_eq!(given.health.due(given.now), Some(late));
    given.now = late;
    assert_eq!(given.next().0, 2);
    assert_eq!(given.next().0, 3);
    given.end(&long, &mut History::default(), Verdict::Succeeded);
}

#[test]
fn a_message_that_is_refused_with_nobody_beside_it_is_faulty_at_once() {
    let mut given = Given::concurrency(4);
    assert_eq!(given.one(REFUSED), Sentence::Faulty(Reason::Refused));
}

#[test]
fn where_the_endpoint_is_said_to_batch_a_refusal_beside_others_is_never_believed() {
    for batches_callers in [false, true] {
        let mut given = Given::concurrency(4);
        let mut asked_alone = 0;
        for _ in 0..30 {
            let mut history = History::default();
            let (bad, other) = (given.begin(1), given.begin(2));
            let terms = Terms {
                policy: RetryPolicy::default(),
                attempts: 1,
                allowed: 5,
                batches_callers,
                unit: 0.5,
            };
            let health = &mut given.health;
            let first = health.finished(given.now, &bad, &mut history, REFUSED, terms);
            given.end(&other, &mut History::default(), Verdict::Succeeded);
            if is_asked_alone(first) {
                asked_alone += 1;
                let bad = given.begin_alone(1);
                let again = given.end(&bad, &mut history, REFUSED);
                assert_eq!(again, Sentence::Faulty(Reason::Refused));
            }
        }
        assert_eq!(asked_alone, if batches_callers { 30 } else { 10 });
    }
}

#[test]
fn a_message_without_attempts_left_is_not_called_again_alone() {
    let mut given = Given::concurrency(4);
    let (refused, _other) = (given.begin(1), given.begin(2));
    let ended = given.end_counted(&refused, &mut History::default(), REFUSED, 1, 1);
    assert_eq!(ended, Sentence::Faulty(Reason::Refused));
}

#[test]
fn refusals_beside_others_are_believed_once_ten_have_stood() {
    let mut given = Given::concurrency(4);
    let mut asked = 0;
    for _ in 0..30 {
        let mut history = History::default();
        let (bad, good) = (given.begin(1), given.begin(2));
        let sentence = given.end(&bad, &mut history, REFUSED);
        given.end(&good, &mut History::default(), Verdict::Succeeded);
        if is_asked_alone(sentence) {
            asked += 1;
            let bad = given.begin_alone(1);
            given.end(&bad, &mut history, REFUSED);
        }
    }
    assert_eq!(asked, 10);
}

#[test]
fn others_wait_ten_seconds_for_a_suspect_of_a_crash_and_it_for_them() {
    let mut given = Given::concurrency(4);
    let suspect = Candidate {
        is_fresh: false,
        company: Company::Nobody,
    };
    given.health.arrive(suspect, 1);
    let (_, _call) = given.next();
    let began = given.now;
    given.health.arrive(FRESH, 2);
    assert_eq!(given.next().0, 2);
    assert_eq!(given.now - began, Duration::from_secs(10));
    given.health.arrive(suspect, 3);
    assert!(given.health.next(given.now).is_none());
    assert_eq!(given.next().0, 3);
    assert_eq!(given.now - began, Duration::from_secs(20));
}

#[test]
fn a_suspect_of_a_crash_is_called_alone() {
    let mut given = Given::concurrency(4);
    let before = given.begin(1);
    let suspect = Candidate {
        is_fresh: false,
        company: Company::Nobody,
    };
    given.health.arrive(suspect, 2);
    given.health.arrive(FRESH, 3);
    assert!(given.health.next(given.now).is_none());
    given.end(&before, &mut History::default(), Verdict::Succeeded);
    let (message, call) = given.next();
    assert_eq!(message, 2);
    assert!(given.health.next(given.now).is_none());
    given.end(&call, &mut History::default(), Verdict::Succeeded);
    assert_eq!(given.next().0, 3);
}
