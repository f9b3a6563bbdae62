//! What workers say of their consumers.

use std::time::{Duration, Instant, SystemTime};

use brokers::Lag;
use domain::WorkerId;
use domain::consumer::{ConsumerState, ConsumerStatus};
use domain::run::RunSource;
use uuid::Uuid;

use super::sample::group;
use super::{Opener, claims};
use crate::journal::{Journal, Observation, Observed};

claims![
    what_a_consumer_is_doing_is_read_back,
    a_state_lasts_since_it_was_entered,
    each_worker_says_what_its_own_consumers_are_doing,
    a_consumer_that_has_ended_is_forgotten,
];

const ONE: WorkerId = WorkerId(Uuid::from_u128(1));
const OTHER: WorkerId = WorkerId(Uuid::from_u128(2));

fn observed(state: ConsumerState) -> Observed {
    Observed {
        state,
        reason: None,
        partitions: 3,
        lag: None,
    }
}

async fn say(journal: &Journal, worker: WorkerId, group: Uuid, observed: Option<Observed>) {
    let observation = Observation { group, observed };
    journal.observe(worker, vec![observation]).await.unwrap();
}

pub(in crate::journal) async fn told(journal: &Journal) -> Vec<ConsumerStatus> {
    let told = journal.consumers(vec![group()]).await;
    told.unwrap().remove(0)
}

/// Has a worker say that its consumer waits for its group.
pub(in crate::journal) async fn say_joining(journal: &Journal) {
    let joining = observed(ConsumerState::Joining);
    say(journal, ONE, group(), Some(joining)).await;
}

async fn what_a_consumer_is_doing_is_read_back(open: Opener) {
    let journal = open().await;
    assert_eq!(told(&journal).await, []);
    let oldest = SystemTime::UNIX_EPOCH + Duration::from_secs(7);
    let lag = Lag {
        messages: 12,
        oldest: Some(oldest),
        measured: Instant::now() - Duration::from_millis(3),
    };
    let behind = Observed {
        lag: Some(lag),
        ..observed(ConsumerState::Assigned)
    };
    say(&journal, ONE, group(), Some(behind)).await;
    let status = told(&journal).await.remove(0);
    let lag = status.lag.unwrap();
    assert_eq!(status.worker, ONE);
    assert_eq!(status.state, ConsumerState::Assigned);
    assert_eq!((status.partitions, lag.messages), (3, 12));
    assert_eq!(lag.oldest_at.unwrap().as_second(), 7);
    assert!(lag.measured_at < status.updated_at);
    assert!(!status.is_stale);

    let away = Observed {
        reason: Some("connection refused\u{1f980}".to_owned()),
        ..observed(ConsumerState::Unreachable)
    };
    say(&journal, ONE, group(), Some(away)).await;
    drop(journal);
    let status = told(&open().await).await.remove(0);
    assert_eq!(status.state, ConsumerState::Unreachable);
    assert_eq!(
        status.reason.as_deref(),
        Some("connection refused\u{1f980}")
    );
    assert_eq!(status.lag, None);
}

async fn a_state_lasts_since_it_was_entered(open: Opener) {
    let journal = open().await;
    say(
        &journal,
        ONE,
        group(),
        Some(observed(ConsumerState::Joining)),
    )
    .await;
    let joining = told(&journal).await.remove(0);
    for partitions in [1, 2] {
        let assigned = Observed {
            partitions,
            ..observed(ConsumerState::Assigned)
        };
        say(&journal, ONE, group(), Some(assigned)).await;
    }
    let assigned = told(&journal).await.remove(0);
    assert_eq!(assigned.partitions, 2);
    assert!(joining.since <= assigned.since);
    assert!(assigned.since <= assigned.updated_at);
    say(
        &journal,
        ONE,
        group(),
        Some(observed(ConsumerState::Assigned)),
    )
    .await;
    assert_eq!(told(&journal).await[0].since, assigned.since);
}

async fn each_worker_says_what_its_own_consumers_are_doing(open: Opener) {
    let journal = open().await;
    say(
        &journal,
        OTHER,
        group(),
        Some(observed(ConsumerState::Joining)),
    )
    .await;
    say(
        &journal,
        ONE,
        group(),
        Some(observed(ConsumerState::Assigned)),
    )
    .await;
    let another = Uuid::from_u128(99);
    say(
        &journal,
        ONE,
        another,
        Some(observed(ConsumerState::Failed)),
    )
    .await;
    let groups = vec![Uuid::nil(), another, group()];
    let told = journal.consumers(groups).await.unwrap();
    let told = told.iter().map(|statuses| {
        let statuses = statuses.iter().map(|status| (status.worker, status.state));
        statuses.collect::<Vec<_>>()
    });
    let expected = [
        vec![],
        vec![(ONE, ConsumerState::Failed)],
        vec![
            (ONE, ConsumerState::Assigned),
            (OTHER, ConsumerState::Joining),
        ],
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

async fn a_consumer_that_has_ended_is_forgotten(open: Opener) {
    let journal = open().await;
    for worker in [ONE, OTHER] {
        say(
            &journal,
            worker,
            group(),
            Some(observed(ConsumerState::Joining)),
        )
        .await;
    }
    say(&journal, ONE, group(), None).await;
    say(&journal, ONE, Uuid::nil(), None).await;
    let left = told(&journal).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].worker, OTHER);
}
