//! An endpoint with good and bad times, and a worker that calls it as [`Health`] says, without a
//! clock: every good message ends well, every bad one ends, and nobody waits for ever.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::{Call, Candidate, Company, Health, History, Sentence, Terms};
use crate::listener::RetryPolicy;
use crate::settlement::{Expression, Reason, Verdict};

const AGAIN: Verdict = Verdict::Retry { after: None };

/// How the endpoint does for a while.
#[derive(Clone, Copy, Debug)]
enum Weather {
    Up,
    /// Every call ends so.
    Down(Verdict),
    /// So many of a hundred calls fail.
    Flaky(u64),
    /// Half of the calls are put off.
    Limited(Option<Duration>),
}

/// What is received when.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    gap: Duration,
    /// What it is answered while the endpoint is up; a good one is answered with a result.
    answer: Verdict,
}

#[derive(Clone, Debug)]
struct Scenario {
    seed: u64,
    concurrency: u32,
    max_attempts: u32,
    weather: Vec<(Weather, Duration)>,
    arrivals: Vec<Arrival>,
}

#[derive(Debug)]
struct Message {
    answer: Verdict,
    history: History,
    attempts: u32,
    calls: u32,
    /// Whether well.
    ended: Option<bool>,
}

enum Happening {
    Arrives(Verdict),
    IsDueAgain(usize, Company),
    Ends(usize, Call),
}

struct World {
    health: Health<usize>,
    policy: RetryPolicy,
    weather: Vec<(Weather, Duration)>,
    messages: Vec<Message>,
    /// Written, not received.
    backlog: VecDeque<Verdict>,
    happenings: BTreeMap<(Duration, u64), Happening>,
    happened: u64,
    /// Messages that are yet to end, those that are yet to arrive among them.
    left: usize,
    now: Duration,
    random: u64,
    calls: usize,
}

/// Good messages go on coming, so that there is somebody to compare with: many while the endpoint has
/// its bad times, fewer afterwards.
const TRICKLE: Duration = Duration::from_millis(150);
const LATER_TRICKLE: Duration = Duration::from_secs(2);

impl World {
    fn new(scenario: &Scenario) -> Self {
        let mut world = Self {
            health: Health::new(scenario.concurrency),
            policy: RetryPolicy {
                max_attempts: scenario.max_attempts,
                ..RetryPolicy::default()
            },
            weather: scenario.weather.clone(),
            messages: Vec::new(),
            backlog: VecDeque::new(),
            happenings: BTreeMap::new(),
            happened: 0,
            left: 0,
            now: Duration::ZERO,
            random: scenario.seed | 1,
            calls: 0,
        };
        let mut at = Duration::ZERO;
        for arrival in &scenario.arrivals {
            at += arrival.gap;
            world.plan(at, Happening::Arrives(arrival.answer));
        }
        world
    }

    /// Runs until everything has ended, or until then.
    fn run(&mut self, until: Duration) {
        let mut next_trickle = TRICKLE;
        loop {
            self.turn();
            let planned = self.happenings.first_key_value().map(|(key, _)| key.0);
            let due = self.health.due(self.now);
            if self.left > 0 {
                let next = planned.into_iter().chain(due).min();
                if next.is_none_or(|next| next > next_trickle) {
                    self.plan(next_trickle, Happening::Arrives(Verdict::Succeeded));
                    let is_over = next_trickle > self.weather_ends();
                    next_trickle += if is_over { LATER_TRICKLE } else { TRICKLE };
                    continue;
                }
            }
            let Some(next) = planned.into_iter().chain(due).min() else {
                return;
            };
            if next > until {
                return;
            }
            self.now = next;
            if planned == Some(next)
                && let Some((_, happening)) = self.happenings.pop_first()
            {
                self.happen(happening);
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrives(answer) => self.backlog.push_back(answer),
            Happening::IsDueAgain(message, company) => {
                let candidate = Candidate {
                    is_fresh: false,
                    company,
                };
                self.health.arrive(candidate, message);
            }
            Happening::Ends(message, call) => self.end(message, &call),
        }
    }

    /// Receives and calls as much as may be now.
    fn turn(&mut self) {
        while self.health.wanted() > 0
            && let Some(answer) = self.backlog.pop_front()
        {
            let candidate = Candidate {
                is_fresh: true,
                company: Company::Others,
            };
            self.health.arrive(candidate, self.messages.len());
            self.messages.push(Message {
                answer,
                history: History::default(),
                attempts: 0,
                calls: 0,
                ended: None,
            });
        }
        while let Some((message, call)) = self.health.next(self.now) {
            self.calls += 1;
            self.messages[message].calls += 1;
            self.messages[message].attempts += 1;
            let latency = Duration::from_millis(5 + self.draw() % 50);
            self.plan(self.now + latency, Happening::Ends(message, call));
        }
    }

    fn end(&mut self, number: usize, call: &Call) {
        let verdict = self.verdict(number);
        let unit = self.draw() as f64 / u64::MAX as f64;
        let message = &mut self.messages[number];
        let terms = Terms {
            policy: self.policy,
            attempts: message.attempts,
            allowed: self.policy.max_attempts,
            batches_callers: false,
            unit,
        };
        let history = &mut message.history;
        let sentence = self
            .health
            .finished(self.now, call, history, verdict, terms);
        match sentence {
            Sentence::Passed | Sentence::Faulty(_) => {
                message.ended = Some(sentence == Sentence::Passed);
                self.left -= 1;
            }
            Sentence::Again {
                refund,
                wait,
                company,
            } => {
                message.attempts = message
                    .attempts
                    .checked_sub(refund)
                    .expect("no more is refunded than was counted");
                self.plan(self.now + wait, Happening::IsDueAgain(number, company));
            }
        }
    }

    fn verdict(&mut self, message: usize) -> Verdict {
        let chance = self.draw() % 100;
        let answer = self.messages[message].answer;
        if let Verdict::ExpressionFailed(Expression::Filter | Expression::Request) = answer {
            // It is never called.
            return answer;
        }
        match self.weather() {
            Weather::Down(verdict) => verdict,
            Weather::Flaky(percent) if chance < percent => AGAIN,
            Weather::Limited(after) if chance < 50 => Verdict::Wait { after },
            Weather::Up | Weather::Flaky(_) | Weather::Limited(_) => answer,
        }
    }

    fn weather(&self) -> Weather {
        let mut from = Duration::ZERO;
        for (weather, lasts) in &self.weather {
            from += *lasts;
            if self.now < from {
                return *weather;
            }
        }
        Weather::Up
    }

    fn weather_ends(&self) -> Duration {
        self.weather.iter().map(|(_, lasts)| *lasts).sum()
    }

    fn plan(&mut self, at: Duration, happening: Happening) {
        self.happened += 1;
        self.left += usize::from(matches!(happening, Happening::Arrives(_)));
        self.happenings.insert((at, self.happened), happening);
    }

    /// A random number (SplitMix64).
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn bad_answer() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        4 => Just(AGAIN),
        2 => Just(Verdict::Block(Reason::NotAuthorized)),
        2 => Just(Verdict::Block(Reason::WrongEndpoint)),
        1 => Just(Verdict::Block(Reason::QuotaExhausted)),
        2 => Just(Verdict::Faulty(Reason::Refused)),
        1 => Just(Verdict::Wait { after: None }),
        1 => Just(Verdict::ExpressionFailed(Expression::Filter)),
        1 => Just(Verdict::ExpressionFailed(Expression::Request)),
        1 => Just(Verdict::ExpressionFailed(Expression::Result)),
    ]
}

fn weather() -> impl Strategy<Value = Weather> {
    let down = prop_oneof![
        3 => Just(AGAIN),
        1 => Just(Verdict::Block(Reason::NotAuthorized)),
        1 => Just(Verdict::Block(Reason::WrongEndpoint)),
        1 => Just(Verdict::Wait { after: Some(Duration::from_secs(120)) }),
    ];
    let after = proptest::option::of((0_u64..20).prop_map(Duration::from_secs));
    prop_oneof![
        2 => Just(Weather::Up),
        2 => down.prop_map(Weather::Down),
        2 => (60_u64..=75).prop_map(Weather::Flaky),
        1 => after.prop_map(Weather::Limited),
    ]
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let arrival = (0_u64..200, proptest::bool::weighted(0.1), bad_answer());
    let arrival = arrival.prop_map(|(gap, is_bad, answer)| Arrival {
        gap: Duration::from_millis(gap),
        answer: if is_bad { answer } else { Verdict::Succeeded },
    });
    let row = (0_usize..80, bad_answer()).prop_map(|(length, answer)| {
        let bad = Arrival {
            gap: Duration::from_millis(1),
            answer,
        };
        vec![bad; length]
    });
    let lasting = (weather(), (1_u64..90).prop_map(Duration::from_secs));
    (
        any::<u64>(),
        1_u32..=16,
        5_u32..=15,
        vec(lasting, 0..5),
        vec(arrival, 1..300),
        row,
    )
        .prop_map(
            |(seed, concurrency, max_attempts, weather, mut arrivals, row)| {
                let middle = arrivals.len() / 2;
                arrivals.splice(middle..middle, row);
                Scenario {
                    seed,
                    concurrency,
                    max_attempts,
                    weather,
                    arrivals,
                }
            },
        )
}

/// Nothing here takes longer.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// Good messages that a run may take for faulty. Where more than half of all calls fail at random,
/// one in some hundred million fails as a faulty one would, and a run has some hundred thousand.
const UNLUCKY: u32 = 1;

#[test]
fn every_good_message_ends_well_every_bad_one_ends_and_nobody_waits_for_ever() {
    let unlucky = Cell::new(0);
    let ran = TestRunner::default().run(&scenario(), |scenario| {
        let mut world = World::new(&scenario);
        world.run(LONGEST);
        let is_random = |(weather, _): &(Weather, Duration)| matches!(weather, Weather::Flaky(_));
        let is_random = scenario.weather.iter().any(is_random);
        for (number, message) in world.messages.iter().enumerate() {
            let is_good = message.answer == Verdict::Succeeded;
            if is_good && is_random && message.ended == Some(false) && unlucky.get() < UNLUCKY {
                unlucky.set(unlucky.get() + 1);
                continue;
            }
            prop_assert_eq!(
                message.ended,
                Some(is_good),
                "message {}: {:?}",
                number,
                message
            );
            prop_assert!(message.calls <= 400, "message {}: {:?}", number, message);
        }
        prop_assert!(world.backlog.is_empty());
        Ok(())
    });
    ran.unwrap_or_else(|failed| panic!("{failed}"));
}
