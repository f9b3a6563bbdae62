//! What happened to the messages of a listener, as everybody around it saw it, and what of it must not
//! have happened.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::kafka::Record;

/// Attempts that are forgiven because a crash or a stop cut them short.
const FORGIVEN: u32 = 3;

/// Everything known of a listener's messages once all of them have ended.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The bodies that were produced, by message id: `topic/partition/offset`.
    pub produced: BTreeMap<String, Bytes>,
    /// The endpoint's own log.
    pub calls: Vec<Called>,
    pub runs: Vec<Run>,
    pub results: Vec<Record>,
    pub dead_letters: Vec<Record>,
    pub ledger: Ledger,
    /// Calls that the listener's settings allow a message.
    pub max_attempts: u32,
    /// How often the worker was killed or the listener stopped.
    pub interruptions: u32,
}

/// One call, as the endpoint took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    pub run: String,
    pub body: Bytes,
    /// None where it failed.
    pub result: Option<Bytes>,
    /// It failed for a reason that is nobody's fault, and costs no attempt.
    pub excused: bool,
}

/// A run, as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: String,
    pub message: String,
    /// Calls that the journal has counted.
    pub attempts: u64,
    /// None while it is under way.
    pub decision: Option<String>,
}

/// The ledger, as the API shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    pub received: u64,
    pub succeeded: u64,
    pub dead_lettered: u64,
    pub filtered: u64,
    pub dropped: u64,
    pub in_flight: u64,
}

/// What must not have happened, and to what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// A message without a decision.
    Undecided(String),
    /// A message with more runs than one.
    TwoRuns(String),
    /// A run of a message that nobody produced.
    RunOfNothing(String),
    /// A decision whose result or dead letter is nowhere.
    NoOutput(String),
    /// A result or a dead letter that its run did not decide on.
    Undue(String),
    /// Two outputs of a run that are not the same.
    NotTheSame(String),
    /// A result that the endpoint did not give, or a dead letter that is not the message.
    Foreign(String),
    /// Calls of a run with a body that is not its message's.
    CallOfAnother(String),
    /// A run with more calls than allowed.
    TooManyCalls(String),
    /// A run with more answered calls than were counted. One that failed may have been taken back.
    Uncounted(String),
    /// Something else in the ledger than messages and decisions.
    Ledger(&'static str),
    /// A message that is settled with its broker and has no output.
    SettledTooEarly(String),
}

impl History {
    /// Everything that must not have happened, and did.
    #[must_use]
    pub fn violations(&self) -> BTreeSet<Violation> {
        let mut violations = BTreeSet::new();
        self.check_messages(&mut violations);
        self.check_calls(&mut violations);
        let results = self.check_outputs(&self.results, "SUCCEEDED", &mut violations);
        let dead = self.check_outputs(&self.dead_letters, "DEAD_LETTERED", &mut violations);
        for run in &self.runs {
            let is_there = match run.decision.as_deref() {
                Some("SUCCEEDED") => results.contains(&run.id),
                Some("DEAD_LETTERED") => dead.contains(&run.id),
                _ => true,
            };
            if !is_there {
                violations.insert(Violation::NoOutput(run.id.clone()));
            }
        }
        self.check_ledger(&mut violations);
        violations
    }

    fn check_messages(&self, violations: &mut BTreeSet<Violation>) {
        let mut runs: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for run in &self.runs {
            runs.entry(run.message.as_str()).or_default().push(run);
            if !self.produced.contains_key(&run.message) {
                violations.insert(Violation::RunOfNothing(run.message.clone()));
            }
        }
        for message in self.produced.keys() {
            let runs = runs.get(message.as_str()).map_or(&[][..], Vec::as_slice);
            if runs.len() > 1 {
                violations.insert(Violation::TwoRuns(message.clone()));
            }
            if !runs.iter().any(|run| run.decision.is_some()) {
                violations.insert(Violation::Undecided(message.clone()));
            }
        }
    }

    fn check_calls(&self, violations: &mut BTreeSet<Violation>) {
        let allowed = self.max_attempts + self.interruptions.min(FORGIVEN);
        let mut counted = BTreeMap::<_, u32>::new();
        let mut answered = BTreeMap::<_, u64>::new();
        for call in &self.calls {
            if self.body_of(&call.run) != Some(&call.body) {
                violations.insert(Violation::CallOfAnother(call.run.clone()));
            }
            let is_answered = call.result.is_some() && !call.excused;
            *answered.entry(&call.run).or_default() += u64::from(is_answered);
            let count = counted.entry(&call.run).or_default();
            *count += u32::from(!call.excused);
            if *count > allowed {
                violations.insert(Violation::TooManyCalls(call.run.clone()));
            }
        }
        for run in &self.runs {
            if answered.get(&run.id) > Some(&run.attempts) {
                violations.insert(Violation::Uncounted(run.id.clone()));
            }
        }
    }

    /// Checks what is in a topic; answers which runs are there.
    fn check_outputs(
        &self,
        outputs: &[Record],
        decision: &str,
        violations: &mut BTreeSet<Violation>,
    ) -> BTreeSet<String> {
        let mut firsts = BTreeMap::new();
        for output in outputs {
            let id = output.header("eventflows-run-id");
            let run = self.runs.iter().find(|run| run.id == id);
            if run.and_then(|run| run.decision.as_deref()) != Some(decision) {
                violations.insert(Violation::Undue(id.clone()));
            }
            if !self.is_own(&id, decision, &output.body) {
                violations.insert(Violation::Foreign(id.clone()));
            }
            if *firsts.entry(id.clone()).or_insert(output) != output {
                violations.insert(Violation::NotTheSame(id));
            }
        }
        firsts.into_keys().collect()
    }

    /// Whether a run can have put out these bytes: the endpoint's answer, or the message itself.
    fn is_own(&self, run: &str, decision: &str, body: &Bytes) -> bool {
        if decision == "DEAD_LETTERED" {
            return self.body_of(run) == Some(body);
        }
        let mut calls = self.calls.iter();
        calls.any(|call| call.run == run && call.result.as_ref() == Some(body))
    }

    fn body_of(&self, run: &str) -> Option<&Bytes> {
        let run = self.runs.iter().find(|known| known.id == run)?;
        self.produced.get(&run.message)
    }

    fn check_ledger(&self, violations: &mut BTreeSet<Violation>) {
        let decided = |decision: &str| {
            let runs = self.runs.iter();
            let decided = runs.filter(|run| run.decision.as_deref() == Some(decision));
            decided.count() as u64
        };
        let ledger = self.ledger;
        let ended = ledger.succeeded + ledger.dead_lettered + ledger.filtered + ledger.dropped;
        for (name, shown, counted) in [
            ("balance", ledger.received, ended + ledger.in_flight),
            ("received", ledger.received, self.produced.len() as u64),
            ("succeeded", ledger.succeeded, decided("SUCCEEDED")),
            (
                "dead-lettered",
                ledger.dead_lettered,
                decided("DEAD_LETTERED"),
            ),
            ("filtered", ledger.filtered, decided("FILTERED")),
            ("dropped", ledger.dropped, decided("DROPPED")),
            ("in flight", ledger.in_flight, 0),
        ] {
            if shown != counted {
                violations.insert(Violation::Ledger(name));
            }
        }
    }
}

/// Messages below the committed offsets of a topic, by partition, that no output has the number of.
#[must_use]
pub fn settled_too_early(
    produced: &BTreeMap<String, Bytes>,
    committed: &BTreeMap<i32, i64>,
    outputs: &[Record],
) -> BTreeSet<Violation> {
    let written: BTreeSet<_> = outputs.iter().map(|output| number(&output.body)).collect();
    let is_settled = |message: &str| {
        let mut place = message.rsplit('/');
        let offset: i64 = place.next()?.parse().ok()?;
        let partition: i32 = place.next()?.parse().ok()?;
        Some(offset < *committed.get(&partition)?)
    };
    let settled = produced
        .iter()
        .filter(|(message, _)| is_settled(message) == Some(true));
    let unwritten = settled.filter(|(_, body)| !written.contains(number(body)));
    unwritten
        .map(|(message, _)| Violation::SettledTooEarly(message.clone()))
        .collect()
}

/// What a body and its result begin with, and no other message.
fn number(body: &[u8]) -> &[u8] {
    body.split(|byte| *byte == b' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
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
            headers: [header].into(),
            body: Bytes::from(body.to_owned()),
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
}
