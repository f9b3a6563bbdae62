//! One claim each of what [`Health`] does; what holds of all of it together is in `simulation`.

mod age;
mod company;

use std::time::Duration;

use super::{Call, Candidate, Company, Health, History, Sentence, Terms};
use crate::listener::RetryPolicy;
use crate::settlement::{Reason, Verdict};

const AGAIN: Verdict = Verdict::Retry { after: None };
const FORBIDDEN: Verdict = Verdict::Block(Reason::NotAuthorized);

const REFUSED: Verdict = Verdict::Faulty(Reason::Refused);

const FRESH: Candidate = Candidate {
    is_fresh: true,
    company: Company::Others,
};

/// An endpoint, the time, and messages by their numbers.
pub(super) struct Given {
    pub(super) health: Health<u32>,
    now: Duration,
}

impl Given {
    pub(super) fn concurrency(concurrency: u32) -> Self {
        Self {
            health: Health::new(concurrency),
            now: Duration::ZERO,
        }
    }

    /// Begins the call of a message that has just come.
    pub(super) fn begin(&mut self, message: u32) -> Call {
        self.health.arrive(FRESH, message);
        self.next().1
    }

    /// Begins the call of a message that is to have nobody beside it.
    fn begin_alone(&mut self, message: u32) -> Call {
        let alone = Candidate {
            is_fresh: false,
            company: Company::NobodyIfSoon,
        };
        self.health.arrive(alone, message);
        self.next().1
    }

    /// The next call, waited for.
    fn next(&mut self) -> (u32, Call) {
        if let Some(due) = self.health.due(self.now) {
            self.now = due;
        }
        self.health.next(self.now).expect("somebody may call")
    }

    pub(super) fn end(&mut self, call: &Call, history: &mut History, verdict: Verdict) -> Sentence {
        self.end_counted(call, history, verdict, 1, 5)
    }

    fn end_counted(
        &mut self,
        call: &Call,
        history: &mut History,
        verdict: Verdict,
        attempts: u32,
        allowed: u32,
    ) -> Sentence {
        let terms = Terms {
            policy: RetryPolicy::default(),
            attempts,
            allowed,
            batches_callers: false,
            unit: 0.5,
        };
        self.health
            .finished(self.now, call, history, verdict, terms)
    }

    /// A message of its own is called and ends so.
    pub(super) fn one(&mut self, verdict: Verdict) -> Sentence {
        let call = self.begin(0);
        self.end(&call, &mut History::default(), verdict)
    }

    /// As many messages as it takes to tell one that fails among them from bad luck.
    fn several(&mut self, verdict: Verdict) {
        for _ in 0..6 {
            self.one(verdict);
        }
    }

    pub(super) fn reason(&self) -> Option<Reason> {
        self.health.opened().map(|(_, reason)| reason)
    }
}

#[test]
fn ten_failures_in_a_row_open_it_and_one_answer_closes_it() {
    let mut given = Given::concurrency(1);
    for _ in 0..9 {
        given.one(AGAIN);
    }
    assert_eq!(given.reason(), None);
    given.one(AGAIN);
    assert_eq!(given.reason(), Some(Reason::EndpointUnavailable));
    given.one(Verdict::Succeeded);
    assert_eq!(given.reason(), None);
}

#[test]
fn half_of_twenty_calls_failing_opens_it() {
    let mut given = Given::concurrency(1);
    for _ in 0..9 {
        given.one(AGAIN);
        given.one(Verdict::Succeeded);
    }
    given.one(AGAIN);
    assert_eq!(given.reason(), None);
    given.one(AGAIN);
    assert_eq!(given.reason(), Some(Reason::EndpointUnavailable));
}

#[test]
fn only_a_call_that_began_after_it_opened_closes_it() {
    let mut given = Given::concurrency(4);
    let early = given.begin(1);
    given.one(FORBIDDEN);
    assert_eq!(given.reason(), Some(Reason::NotAuthorized));
    given.end(&early, &mut History::default(), Verdict::Succeeded);
    assert_eq!(given.reason(), Some(Reason::NotAuthorized));
    given.one(Verdict::Succeeded);
    assert_eq!(given.reason(), None);
}

#[test]
fn a_message_that_was_never_called_is_a_probe_before_one_that_failed() {
    let mut given = Given::concurrency(4);
    let mut history = History::default();
    let call = given.begin(1);
    given.end(&call, &mut history, FORBIDDEN);
    assert_eq!(given.health.wanted(), 1);
    given.health.arrive(Candidate::default(), 1);
    given.health.arrive(FRESH, 2);
    assert_eq!(given.health.wanted(), 0);
    assert!(given.health.next(given.now).is_none());
    assert_eq!(given.next().0, 2);
}

#[test]
fn failures_cost_nothing_while_nobody_else_is_answered() {
    let mut given = Given::concurrency(1);
    let mut history = History::default();
    let mut attempts = 0;
    for _ in 0..100 {
        given.health.arrive(Candidate::default(), 1);
        let (_, call) = given.next();
        attempts += 1;
        match given.end_counted(&call, &mut history, AGAIN, attempts, 5) {
            Sentence::Again { refund, .. } => attempts -= refund,
            ended @ (Sentence::Passed | Sentence::Faulty(_)) => panic!("{ended:?}"),
        }
        assert!(attempts < 5);
    }
    assert_eq!(given.reason(), Some(Reason::EndpointUnavailable));
}

#[test]
fn failures_are_the_messages_own_once_others_are_answered() {
    let mut given = Given::concurrency(1);
    let mut history = History::default();
    let call = given.begin(1);
    let first = given.end_counted(&call, &mut history, AGAIN, 1, 3);
    assert!(matches!(first, Sentence::Again { refund: 0, .. }));
    given.several(Verdict::Succeeded);
    let call = given.begin(1);
    let second = given.end_counted(&call, &mut history, AGAIN, 2, 3);
    assert!(matches!(second, Sentence::Again { refund: 0, .. }));
    let call = given.begin(1);
    let third = given.end_counted(&call, &mut history, AGAIN, 3, 3);
    assert_eq!(third, Sentence::Faulty(Reason::AttemptsExhausted));
    assert_eq!(given.reason(), None);
}

/// As in the batch of a model server, where one faulty message has its neighbours fail, too. They pass
/// when called again, but that most messages failed first speaks for it, and nobody else comes.
#[test]
fn a_message_that_is_held_for_long_is_told_and_ends_once_others_pass() {
    let mut given = Given::concurrency(8);
    let mut batch: Vec<_> = (0..8).map(|_| History::default()).collect();
    let calls: Vec<_> = (0..8).map(|message| given.begin(message)).collect();
    for (call, history) in calls.iter().zip(&mut batch) {
        given.end(call, history, AGAIN);
    }
    let mut histories = batch.iter_mut();
    let bad = histories.next().unwrap();
    for history in histories {
        let call = given.begin(1);
        given.end(&call, history, Verdict::Succeeded);
    }
    for _ in 0..20 {
        let call = given.begin(0);
        assert!(matches!(
            given.end(&call, bad, AGAIN),
            Sentence::Again { .. }
        ));
    }
    assert_eq!(given.reason(), Some(Reason::EndpointUnavailable));
    for _ in 0..20 {
        given.several(Verdict::Succeeded);
        let call = given.begin(0);
        if let Sentence::Faulty(reason) = given.end_counted(&call, bad, AGAIN, 5, 5) {
            assert_eq!(reason, Reason::AttemptsExhausted);
            assert_eq!(given.reason(), None);
            return;
        }
    }
    panic!("it should have ended");
}

#[test]
fn where_few_others_were_answered_more_failures_are_needed() {
    let mut given = Given::concurrency(1);
    let mut history = History::default();
    let call = given.begin(1);
    given.end_counted(&call, &mut history, AGAIN, 1, 3);
    given.one(Verdict::Succeeded);
    let mut refunds = Vec::new();
    let ended = loop {
        let call = given.begin(1);
        let attempts = 3.min(2 + refunds.len() as u32);
        match given.end_counted(&call, &mut history, AGAIN, attempts, 3) {
            Sentence::Again { refund, .. } => refunds.push(refund),
            ended @ (Sentence::Passed | Sentence::Faulty(_)) => break ended,
        }
    };
    assert_eq!(ended, Sentence::Faulty(Reason::AttemptsExhausted));
    assert_eq!(refunds, [0, 1, 1]);
}

#[test]
fn a_message_that_is_forbidden_among_good_ones_blocks_nobody() {
    let mut given = Given::concurrency(2);
    let mut history = History::default();
    for attempt in 1..=3 {
        let call = given.begin(1);
        given.several(Verdict::Succeeded);
        let ended = given.end_counted(&call, &mut history, FORBIDDEN, attempt, 3);
        assert_eq!(given.reason(), None);
        assert_eq!(
            ended == Sentence::Faulty(Reason::Refused),
            attempt == 3,
            "{attempt}"
        );
    }
}

#[test]
fn a_wait_that_is_asked_for_holds_everybody_and_costs_nothing() {
    let mut given = Given::concurrency(4);
    let after = Some(Duration::from_secs(20));
    let ended = given.one(Verdict::Wait { after });
    assert!(matches!(ended, Sentence::Again { refund: 1, .. }));
    assert_eq!(given.reason(), None);
    given.health.arrive(FRESH, 2);
    assert!(given.health.next(Duration::from_secs(19)).is_none());
    assert_eq!(given.health.due(given.now), after);
    assert!(given.health.next(Duration::from_secs(20)).is_some());
}

#[test]
fn calls_that_are_put_off_together_are_one_reason_to_call_less() {
    let mut given = Given::concurrency(8);
    let calls: Vec<_> = (0..8).map(|message| given.begin(message)).collect();
    for call in &calls {
        given.end(call, &mut History::default(), Verdict::Wait { after: None });
    }
    assert_eq!(given.health.slots.allowed(), 4);
}

#[test]
fn a_wait_of_more_than_a_minute_is_told() {
    let mut given = Given::concurrency(1);
    let after = Some(Duration::from_secs(3600));
    given.one(Verdict::Wait { after });
    assert_eq!(given.reason(), Some(Reason::EndpointUnavailable));
    given.health.arrive(FRESH, 1);
    assert_eq!(given.health.due(given.now), after);
}

#[test]
fn twenty_messages_refused_in_a_row_are_not_all_faulty() {
    let mut given = Given::concurrency(1);
    let refused = Verdict::Faulty(Reason::Refused);
    for _ in 0..19 {
        assert_eq!(given.one(refused), Sentence::Faulty(Reason::Refused));
    }
    assert!(matches!(
        given.one(refused),
        Sentence::Again { refund: 1, .. }
    ));
    assert_eq!(given.reason(), Some(Reason::Refused));
    given.one(Verdict::Succeeded);
    assert_eq!(given.one(refused), Sentence::Faulty(Reason::Refused));
}

#[test]
fn a_call_that_was_not_made_gives_its_place_back() {
    let mut given = Given::concurrency(1);
    given.one(FORBIDDEN);
    let probe = given.begin(1);
    assert_eq!(given.health.wanted(), 0);
    given.health.cancelled(&probe);
    assert_eq!(given.health.wanted(), 1);
    given.one(Verdict::Succeeded);
    assert_eq!(given.reason(), None);
}
