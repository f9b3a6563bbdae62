//! What failing expressions come to, one claim each.

use super::super::tests::Given;
use super::*;

const FILTER: Verdict = Verdict::ExpressionFailed(Expression::Filter);
const RESULT: Verdict = Verdict::ExpressionFailed(Expression::Result);
const AGAIN: Verdict = Verdict::Retry { after: None };

/// Nineteen messages that the expression fails for.
fn nearly_all_fail(given: &mut Given, verdict: Verdict) {
    let Verdict::ExpressionFailed(expression) = verdict else {
        panic!("{verdict:?}");
    };
    for _ in 1..MOST_FAULTY {
        assert_eq!(given.one(verdict), Sentence::Faulty(expression.reason()));
    }
}

#[test]
fn twenty_messages_in_a_row_that_an_expression_fails_for_hold_the_last() {
    for expression in Expression::ALL {
        let mut given = Given::concurrency(1);
        let verdict = Verdict::ExpressionFailed(*expression);
        nearly_all_fail(&mut given, verdict);
        assert_eq!(given.reason(), None);
        assert!(matches!(given.one(verdict), Sentence::Again { .. }));
        assert_eq!(given.reason(), Some(expression.reason()));
    }
}

#[test]
fn a_message_that_an_expression_works_for_ends_the_row() {
    let mut given = Given::concurrency(1);
    for _ in 0..3 {
        nearly_all_fail(&mut given, FILTER);
        given.health.evaluated(Expression::Filter);
        nearly_all_fail(&mut given, FILTER);
        // Whatever the endpoint says: it was asked.
        given.one(AGAIN);
    }
    assert_eq!(given.reason(), None);
}

#[test]
fn messages_that_are_filtered_do_not_hide_that_a_transform_fails_for_all_others() {
    let mut given = Given::concurrency(1);
    let request = Verdict::ExpressionFailed(Expression::Request);
    for _ in 1..MOST_FAULTY {
        given.health.evaluated(Expression::Filter);
        given.one(request);
    }
    assert!(matches!(given.one(request), Sentence::Again { .. }));
    assert_eq!(given.reason(), Some(Reason::RequestTransformFailed));
}

#[test]
fn a_probe_that_the_expression_works_for_lets_all_continue_and_the_held_one_is_faulty() {
    let mut given = Given::concurrency(1);
    nearly_all_fail(&mut given, FILTER);
    let held = given.begin(1);
    let mut history = History::default();
    given.end(&held, &mut history, FILTER);
    let probe = given.begin(2);
    let passed = given.end(&probe, &mut History::default(), Verdict::Succeeded);
    assert_eq!(passed, Sentence::Passed);
    assert_eq!(given.reason(), None);
    let again = given.begin(1);
    let faulty = given.end(&again, &mut history, FILTER);
    assert_eq!(faulty, Sentence::Faulty(Reason::FilterFailed));
}

#[test]
fn other_expressions_let_all_continue_at_once() {
    let mut given = Given::concurrency(1);
    nearly_all_fail(&mut given, FILTER);
    given.one(FILTER);
    given.health.expressions_changed();
    assert_eq!(given.reason(), None);
    assert_eq!(given.one(Verdict::Succeeded), Sentence::Passed);
}

#[test]
fn a_call_from_before_the_expressions_changed_says_nothing_of_them() {
    let mut given = Given::concurrency(3);
    let (failing, working) = (given.begin(1), given.begin(2));
    given.health.expressions_changed();
    let failed = given.end(&failing, &mut History::default(), RESULT);
    assert!(matches!(failed, Sentence::Again { refund: 1, .. }));
    nearly_all_fail(&mut given, RESULT);
    given.end(&working, &mut History::default(), Verdict::Succeeded);
    assert!(matches!(given.one(RESULT), Sentence::Again { .. }));
}

#[test]
fn an_expression_that_fails_says_nothing_of_an_endpoint_that_is_down() {
    let mut given = Given::concurrency(1);
    for _ in 0..10 {
        given.one(AGAIN);
    }
    let down = Some(Reason::EndpointUnavailable);
    assert_eq!(given.reason(), down);
    for _ in 1..MOST_FAULTY {
        let faulty = Sentence::Faulty(Reason::FilterFailed);
        assert_eq!(given.one(FILTER), faulty);
    }
    assert_eq!(given.reason(), down);
}

#[test]
fn an_endpoint_whose_answer_cannot_be_transformed_has_answered() {
    let mut given = Given::concurrency(1);
    for _ in 0..10 {
        given.one(AGAIN);
    }
    let faulty = Sentence::Faulty(Reason::ResultTransformFailed);
    assert_eq!(given.one(RESULT), faulty);
    assert_eq!(given.reason(), None);
}

#[test]
fn the_attempt_of_a_message_that_is_held_is_taken_back_where_one_was_made() {
    for (verdict, refunded) in [(FILTER, 0), (RESULT, 1)] {
        let mut given = Given::concurrency(1);
        nearly_all_fail(&mut given, verdict);
        let Sentence::Again { refund, .. } = given.one(verdict) else {
            panic!("it was not held");
        };
        assert_eq!(refund, refunded);
    }
}
