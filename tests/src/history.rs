//! What happened to the messages of a listener, as everybody around it saw it, and what of it must not
//! have happened.

#[cfg(test)]
mod tests;

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
