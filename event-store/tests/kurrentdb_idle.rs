//! A feed that was ended without an error begins anew, and does not ask its ended stream for ever:
//! the client does, on a whole core. Alone in its process, whose time is what is measured.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use domain::{
    Actor, Clock, CommandId, CorrelationId, EventId, Meta, NewEvent, Position, StreamName,
};
use event_store::{Append, EventStore, Expected, KurrentDbEventStore};
use futures_util::StreamExt;
use jiff::Timestamp;
use kurrentdb_stand_in::StandIn;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(30);

/// The window that is measured, and how much of a core may be used in it.
const WINDOW: Duration = Duration::from_secs(2);
const MOST_OF_A_CORE: f64 = 0.25;

/// What the kernel counts time in, whatever its own clock: 1/100 s.
const TICKS_PER_SECOND: f64 = 100.0;

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_is_ended_cleanly_begins_anew_without_spinning() {
    let server = StandIn::start().await.unwrap();
    let here = open(&server);
    let there = open(&server);
    let mut follower = here.follow(Position(0));
    for round in 1..=3 {
        there.append(append(round)).await.unwrap();
        let event = timeout(PATIENCE, follower.next()).await.unwrap();
        assert_eq!(event.unwrap().unwrap().position, Position(round));
        server.end_streams();
        let before = cpu_ticks();
        sleep(WINDOW).await;
        let used = f64::from(cpu_ticks() - before) / TICKS_PER_SECOND;
        let share = used / WINDOW.as_secs_f64();
        assert!(share < MOST_OF_A_CORE, "{share} of a core in round {round}");
    }
}

/// The time that this process has used, of all its threads.
fn cpu_ticks() -> u32 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux tells");
    // The name in parentheses may hold anything; user and system time are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(") ").expect("the name ends");
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks = |field: usize| fields[field - 3].parse::<u32>().expect("a number");
    ticks(14) + ticks(15)
}

fn open(server: &StandIn) -> KurrentDbEventStore {
    KurrentDbEventStore::open(&server.url(), Arc::new(FixedClock)).expect("threads can be started")
}

fn append(number: u64) -> Append {
    let command = CommandId(Uuid::from_u128(number.into()));
    Append {
        stream: StreamName(format!("a-{number}")),
        expected: Expected::NoStream,
        command,
        fingerprint: [0; 32],
        meta: Meta {
            actor: Actor::User {
                name: "ann".to_owned(),
            },
            correlation: CorrelationId(command.0),
            causation: command.0,
            client_address: None,
        },
        events: vec![NewEvent {
            id: EventId::of_command(command, 0),
            type_name: "SampleTaken",
            schema_version: 1,
            payload: b"{}".to_vec(),
        }],
    }
}

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}
