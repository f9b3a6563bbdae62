//! Histories broken by hand: each is found.

use super::*;

/// Two messages: one succeeded at its second call, one was refused.
fn sound() -> History {
    let text = |text: &'static str| Bytes::from_static(text.as_bytes());
    let call = |run: &str, body, result| Called {
        run: run.to_owned(),
        body,
        result,
        excused: false,
    };
    let run = |id: &str, message: &str, attempts, decision: &str| Run {
        id: id.to_owned(),
        message: message.to_owned(),
        attempts,
        decision: Some(decision.to_owned()),
    };
    History {
        produced: [("t/0/0", "1 good"), ("t/0/1", "2 faulty")]
            .map(|(message, body)| (message.to_owned(), text(body)))
            .into(),
        calls: vec![
            call("a", text("1 good"), None),
            call("a", text("1 good"), Some(text("1 x"))),
            call("b", text("2 faulty"), None),
        ],
        runs: vec![
            run("a", "t/0/0", 2, "SUCCEEDED"),
            run("b", "t/0/1", 1, "DEAD_LETTERED"),
        ],
        results: vec![output("a", "1 x"), output("a", "1 x")],
        dead_letters: vec![output("b", "2 faulty")],
        ledger: Ledger {
            received: 2,
            succeeded: 1,
            dead_lettered: 1,
            ..Ledger::default()
        },
        max_attempts: 2,
        interruptions: 0,
    }
}

fn output(run: &str, body: &str) -> Record {
    let header = ("eventflows-run-id".to_owned(), Bytes::from(run.to_owned()));
    Record {
        key: None,
        names: vec![header.0.clone()],
        headers: [header].into(),
        body: Bytes::from(body.to_owned()),
        has_body: true,
    }
}

fn broken(breaks: impl FnOnce(&mut History)) -> Vec<Violation> {
    let mut history = sound();
    breaks(&mut history);
    history.violations().into_iter().collect()
}

#[test]
fn a_sound_history_has_no_violation_though_a_result_was_written_twice() {
    assert_eq!(broken(|_| {}), []);
}

#[test]
fn a_lost_message_and_one_that_is_not_decided_are_found() {
    let lost = broken(|history| {
        history.runs.remove(1);
        history.calls.remove(2);
        history.dead_letters.clear();
    });
    assert!(lost.contains(&Violation::Undecided("t/0/1".into())));
    let undecided = broken(|history| history.runs[0].decision = None);
    assert!(undecided.contains(&Violation::Undecided("t/0/0".into())));
}

#[test]
fn a_second_run_of_a_message_and_a_run_of_none_are_found() {
    let twice = broken(|history| {
        let id = "c".to_owned();
        let again = history.runs[0].clone();
        history.runs.push(Run { id, ..again });
    });
    assert!(twice.contains(&Violation::TwoRuns("t/0/0".into())));
    let of_none = broken(|history| history.runs[0].message = "t/0/9".to_owned());
    assert!(of_none.contains(&Violation::RunOfNothing("t/0/9".into())));
}

#[test]
fn a_decision_without_its_output_is_found() {
    let results = broken(|history| history.results.clear());
    assert_eq!(results, [Violation::NoOutput("a".into())]);
    let dead_letters = broken(|history| history.dead_letters.clear());
    assert_eq!(dead_letters, [Violation::NoOutput("b".into())]);
}

#[test]
fn a_result_and_a_dead_letter_of_one_message_are_found() {
    let both = broken(|history| history.dead_letters.push(output("a", "1 good")));
    assert_eq!(both, [Violation::Undue("a".into())]);
}

#[test]
fn two_results_of_one_message_are_found() {
    let results = broken(|history| {
        history.calls[0].result = Some(Bytes::from("1 y"));
        history.results.push(output("a", "1 y"));
    });
    assert_eq!(results, [Violation::NotTheSame("a".into())]);
}

#[test]
fn bytes_that_nobody_gave_are_found() {
    let result = broken(|history| {
        history.results.remove(1);
        history.results[0].body = Bytes::from("1 z");
    });
    assert_eq!(result, [Violation::Foreign("a".into())]);
    let dead = broken(|history| history.dead_letters[0].body = Bytes::from("1 good"));
    assert_eq!(dead, [Violation::Foreign("b".into())]);
}

#[test]
fn a_call_of_another_message_is_found() {
    let call = broken(|history| history.calls[2].body = Bytes::from("1 good"));
    assert_eq!(call, [Violation::CallOfAnother("b".into())]);
}

#[test]
fn calls_beyond_those_allowed_and_forgiven_are_found() {
    let again = |calls: usize, interruptions| {
        broken(|history| {
            history.interruptions = interruptions;
            history.runs[0].attempts += calls as u64;
            let call = history.calls[0].clone();
            history.calls.extend(vec![call; calls]);
        })
    };
    assert_eq!(again(1, 0), [Violation::TooManyCalls("a".into())]);
    assert_eq!(again(1, 1), []);
    assert_eq!(again(4, 9), [Violation::TooManyCalls("a".into())]);
}

#[test]
fn a_call_that_was_not_counted_before_is_found() {
    let uncounted = broken(|history| history.runs[0].attempts = 0);
    assert_eq!(uncounted, [Violation::Uncounted("a".into())]);
}

#[test]
fn a_ledger_that_counts_something_else_is_found() {
    let twice = broken(|history| history.ledger.succeeded = 2);
    let expected = ["balance", "succeeded"].map(Violation::Ledger);
    assert_eq!(twice, expected);
    let again = broken(|history| history.ledger.received = 3);
    let expected = ["balance", "received"].map(Violation::Ledger);
    assert_eq!(again, expected);
}

#[test]
fn a_message_that_is_settled_before_it_is_published_is_found() {
    let history = sound();
    let settled = |committed: i64, outputs: &[Record]| {
        let committed = [(0, committed)].into();
        settled_too_early(&history.produced, &committed, outputs)
    };
    assert_eq!(settled(1, &history.results), [].into());
    let early = Violation::SettledTooEarly("t/0/1".into());
    assert_eq!(settled(2, &history.results), [early].into());
}
