//! A log under as much load as so many callers make, and a follower beside them.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::organization::CreateOrganization;
use domain::{Actor, CommandId, CorrelationId, EventId, Ids, Meta, NewEvent, Position, StreamName};
use engine::{Engine, Outcome, Request};
use event_store::{Append, EventStore, Expected};
use futures_util::StreamExt;
use server::environment::{RandomIds, SystemClock};
use tokio::task::{JoinHandle, JoinSet};

use super::Log;
use crate::stats::{Samples, rate};

/// What the callers do.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// Commands through the engine: a stream read, a decision, an append of one event.
    Commands,
    /// Appends of one event, each to a new stream.
    Appends,
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Commands => "commands through the engine",
            Self::Appends => "appends",
        })
    }
}

/// What came of it.
pub(crate) struct Measured {
    /// Answers a second.
    pub(crate) rate: f64,
    /// From the question to the answer.
    pub(crate) answers: Samples,
    /// From the answer to when a follower had the event; nothing where it had it before.
    pub(crate) lags: Samples,
}

/// An event that was answered.
struct Answered {
    position: Position,
    after: Duration,
    at: Instant,
}

pub(crate) async fn run(log: &Log, load: Load, callers: usize, time: Duration) -> Measured {
    let store = log.open().await;
    let engine = Engine::new(
        Arc::clone(&store),
        Arc::new(SystemClock),
        Arc::new(RandomIds),
    );
    let following = follow(&*store);
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let engine = engine.clone();
        tasks.spawn(async move { call(&engine, load, caller, start + time).await });
    }
    let answered: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let elapsed = start.elapsed();
    // A follower that is behind catches up with the last of them.
    let head = store.head().await.unwrap();
    let seen = following.until(head).await;
    let lag = |one: &Answered| {
        let index = usize::try_from(one.position.0 - 1).unwrap();
        seen[index].saturating_duration_since(one.at)
    };
    Measured {
        rate: rate(answered.len() as u64, elapsed),
        lags: answered.iter().map(lag).collect(),
        answers: answered.iter().map(|one| one.after).collect(),
    }
}

async fn call(engine: &Engine, load: Load, caller: usize, end: Instant) -> Vec<Answered> {
    let mut answered = Vec::new();
    loop {
        let start = Instant::now();
        if start >= end {
            return answered;
        }
        let name = format!("o{caller}-{}", answered.len());
        let position = match load {
            Load::Commands => create(engine, &name).await,
            Load::Appends => append(engine.store().as_ref(), &name).await,
        };
        let at = Instant::now();
        let after = at - start;
        answered.push(Answered {
            position,
            after,
            at,
        });
    }
}

async fn create(engine: &Engine, name: &str) -> Position {
    let command = CommandId(engine.next_id());
    let request = Request {
        actor: actor(),
        command,
        fingerprint: [0; 32],
        correlation: CorrelationId(command.0),
        causation: None,
        client_address: None,
        repeatable: false,
        expected: Vec::new(),
    };
    let name = name.parse().unwrap();
    let outcome = engine.execute(&CreateOrganization { name }, &request).await;
    match outcome.unwrap() {
        Outcome::Accepted(accepted) => accepted.position,
        other => panic!("{other:?}"),
    }
}

async fn append(store: &dyn EventStore, name: &str) -> Position {
    store.append(sample(name, 1)).await.unwrap().last
}

/// An append of `events` events of the size that commands have, to a new stream.
pub(super) fn sample(name: &str, events: usize) -> Append {
    let command = CommandId(RandomIds.next());
    let event = |index| NewEvent {
        id: EventId::of_command(command, index),
        type_name: "OrganizationCreated",
        schema_version: 1,
        payload: format!(r#"{{"name":"{name}"}}"#).into_bytes(),
    };
    Append {
        stream: StreamName(format!("organization-{name}")),
        expected: Expected::NoStream,
        command,
        fingerprint: [0; 32],
        meta: Meta {
            actor: actor(),
            correlation: CorrelationId(command.0),
            causation: command.0,
            client_address: None,
        },
        events: (0..events).map(event).collect(),
    }
}

fn actor() -> Actor {
    Actor::User {
        name: "bench".to_owned(),
    }
}

/// A follower from the beginning, which notes when it has seen each position.
struct Following(
    JoinHandle<Vec<Instant>>,
    tokio::sync::watch::Sender<Position>,
);

fn follow(store: &dyn EventStore) -> Following {
    let (until, mut end) = tokio::sync::watch::channel(Position(u64::MAX));
    let mut events = store.follow(Position(0));
    let task = tokio::spawn(async move {
        let mut seen = Vec::new();
        while (seen.len() as u64) < end.borrow().0 {
            tokio::select! {
                event = events.next() => {
                    event.unwrap().unwrap();
                    seen.push(Instant::now());
                }
                _ = end.changed() => {}
            }
        }
        seen
    });
    Following(task, until)
}

impl Following {
    /// When each position up to `head` was seen.
    async fn until(self, head: Position) -> Vec<Instant> {
        self.1.send_replace(head);
        self.0.await.unwrap()
    }
}
