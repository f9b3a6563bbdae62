//! The policy through a crash at every step and a repetition of every step: the log ends the
//! same.

use domain::Envelope;
use domain::algorithm::RetireAlgorithm;
use domain::broker::{DisconnectBroker, ReplaceBroker};
use domain::grant::{Access, Edit, EditGrants};
use domain::listener::PauseListener;
use domain::testing::{broker_id, listener_id, score, to_acme, topic_id};

use crate::cluster::{Cluster, grant, listen, pattern, publish, revoke};

/// What made something an orphan.
#[derive(Clone, Copy, Debug)]
enum Blow {
    Revoked,
    PatternRevoked,
    Retired,
    Disconnected,
    Replaced,
    ReplacedTwice,
    ReplacedInPart,
}

impl Blow {
    const ALL: [Self; 7] = [
        Self::Revoked,
        Self::PatternRevoked,
        Self::Retired,
        Self::Disconnected,
        Self::Replaced,
        Self::ReplacedTwice,
        Self::ReplacedInPart,
    ];

    /// A cluster that was just struck. Every time the same, down to the ids.
    async fn strike(self) -> Cluster {
        let cluster = Cluster::empty().await;
        cluster.ready().await;
        let to_all = EditGrants::single(topic_id("scores"), Edit::Add, to_acme(Access::Publish));
        cluster.done(&to_all).await;
        cluster.done(&grant("scores", Access::Subscribe)).await;
        cluster
            .done(&pattern(Edit::Add, "ord*", Access::Subscribe))
            .await;
        cluster.done(&grant("orders-dlq", Access::DeadLetter)).await;
        cluster.done(&listen(Some("orders-dlq"))).await;
        let listener = listener_id("orders");
        cluster.done(&PauseListener { listener }).await;
        cluster.done(&publish()).await;
        for name in ["next", "last"] {
            let topics = ["orders", "orders-dlq", "scores"];
            cluster.connect_as(name, &topics).await;
        }
        cluster.connect_as("part", &["scores"]).await;
        self.happen(&cluster).await;
        cluster
    }

    async fn happen(self, cluster: &Cluster) {
        match self {
            Self::Revoked => {
                let to_all = to_acme(Access::Publish);
                let removed = EditGrants::single(topic_id("scores"), Edit::Remove, to_all);
                cluster.done(&removed).await;
                cluster.done(&revoke("scores", Access::Subscribe)).await;
            }
            Self::PatternRevoked => {
                let removed = pattern(Edit::Remove, "ord*", Access::Subscribe);
                cluster.done(&removed).await;
            }
            Self::Retired => {
                let algorithm = score();
                cluster.done(&RetireAlgorithm { algorithm }).await;
            }
            Self::Disconnected => {
                let broker = broker_id("main");
                cluster.done(&DisconnectBroker { broker }).await;
            }
            Self::Replaced => {
                cluster.done(&replace("main", "next")).await;
            }
            Self::ReplacedTwice => {
                cluster.done(&replace("main", "next")).await;
                cluster.done(&replace("next", "last")).await;
            }
            Self::ReplacedInPart => {
                cluster.done(&replace("main", "part")).await;
            }
        }
    }
}

fn replace(from: &str, to: &str) -> ReplaceBroker {
    ReplaceBroker {
        broker: broker_id(from),
        replacement: broker_id(to),
        topics: ["orders", "scores"].map(|t| t.parse().unwrap()).to_vec(),
        leave_missing: true,
        start: None,
    }
}

/// Answers like a process that dies after `most` steps, each step `times` times; whether it
/// was done before that.
async fn answer(cluster: &Cluster, most: usize, times: usize) -> bool {
    let mut left = most;
    loop {
        let answers = cluster.policy().await.remedies();
        let Some(answer) = answers.first() else {
            return true;
        };
        for step in answer.steps() {
            if left == 0 {
                return false;
            }
            left -= 1;
            for _ in 0..times {
                step.execute(&cluster.engine).await.unwrap();
            }
        }
    }
}

/// The whole log: the clock stands still and ids are counted, so that it compares.
async fn log(cluster: &Cluster) -> Vec<Envelope> {
    cluster.events().await
}

#[tokio::test]
async fn a_crash_after_any_step_and_any_step_repeated_end_in_the_same_log() {
    for blow in Blow::ALL {
        let undisturbed = blow.strike().await;
        undisturbed.settle().await;
        let expected = log(&undisturbed).await;
        let mut stop = 0;
        loop {
            let cluster = blow.strike().await;
            let done = answer(&cluster, stop, 2).await;
            cluster.settle().await;
            assert_eq!(
                log(&cluster).await,
                expected,
                "{blow:?} stopped after {stop}"
            );
            if done {
                break;
            }
            stop += 1;
            assert!(stop < 100, "{blow:?} finds no end");
        }
        assert!(stop > 0, "{blow:?} orphaned nothing");
    }
}

#[tokio::test]
async fn what_a_person_ended_after_it_had_moved_does_not_come_back() {
    let cluster = Blow::Replaced.strike().await;
    // The patterns and the topic orders have moved, and the policy dies before it ends the old.
    assert!(!answer(&cluster, 3, 1).await);
    let mut moved = listener_id("orders");
    moved.topic.broker = broker_id("next");
    let disable = domain::listener::DisableListener { listener: moved };
    let disabled = cluster.done(&disable).await;
    cluster.settle().await;
    let later = cluster.types_after(disabled).await;
    assert!(!later.contains(&"ListenerEnabled".to_owned()), "{later:?}");
}
