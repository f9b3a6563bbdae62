//! Why a listener is not moving, or that it is: one sentence from everything that is known.

use jiff::Timestamp;

use crate::consumer::{ConsumerState, ConsumerStatus, Lag};

/// What is known of a listener.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub enabled: bool,
    /// Set while it is paused.
    pub pause: Option<&'a Pause>,
    /// Why it cannot consume, from what is enabled and granted.
    pub problem: Option<&'a Problem>,
    pub consumers: &'a [ConsumerStatus],
}

/// Who paused a listener, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub by: String,
    pub at: Timestamp,
}

/// What keeps a listener from consuming wherever its consumers run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Its selector picks no version; the text says why.
    NoVersion(String),
    /// Its algorithm may not write to the dead letter queue; the text names both.
    DlqNotGranted(String),
}

/// What a listener is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerActivity {
    pub code: ActivityCode,
    /// One sentence for people.
    pub text: String,
    /// When this began, where that is known.
    pub since: Option<Timestamp>,
}

/// What the sentence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActivityCode {
    Disabled,
    Paused,
    NoVersion,
    DlqNotGranted,
    NoWorker,
    TopicMissing,
    BrokerUnreachable,
    ConsumerFailed,
    Blocked,
    Joining,
    /// It has read all that it can: what is left waits for the end of a transaction.
    TransactionOpen,
    /// It runs, and how far it is behind is not known.
    Running,
    Behind,
    UpToDate,
}

/// The states of consumers, those first that say most about why the listener is not moving.
const BY_WEIGHT: [ConsumerState; 7] = [
    ConsumerState::TopicMissing,
    ConsumerState::Unreachable,
    ConsumerState::Failed,
    ConsumerState::Blocked,
    ConsumerState::TransactionOpen,
    ConsumerState::Assigned,
    ConsumerState::Joining,
];

impl ListenerActivity {
    /// What those facts amount to. What its people decided comes first, then what its consumers meet.
    #[must_use]
    pub fn of(facts: Facts<'_>) -> Self {
        if !facts.enabled {
            return Self::new(ActivityCode::Disabled, "It is disabled.".to_owned());
        }
        if let Some(Pause { by, at }) = facts.pause {
            let text = format!("{by} paused it at {}.", moment(*at));
            return Self::new(ActivityCode::Paused, text).since(*at);
        }
        match facts.problem {
            Some(Problem::NoVersion(why)) => {
                let text = format!("There is no version to call: {why}.");
                return Self::new(ActivityCode::NoVersion, text);
            }
            Some(Problem::DlqNotGranted(why)) => {
                let text = format!("It consumes nothing: {why}.");
                return Self::new(ActivityCode::DlqNotGranted, text);
            }
            None => {}
        }
        let live = facts.consumers.iter().filter(|status| !status.is_stale);
        let live: Vec<&ConsumerStatus> = live.collect();
        let first = BY_WEIGHT.iter().find_map(|state| {
            let like = live.iter().filter(|status| status.state == *state);
            like.min_by_key(|status| status.since)
        });
        first.map_or_else(
            || Self::without_worker(facts.consumers),
            |status| Self::of_consumer(status, Lag::of_live(facts.consumers)),
        )
    }

    fn without_worker(stale: &[ConsumerStatus]) -> Self {
        let last = stale.iter().map(|status| status.updated_at).max();
        let Some(last) = last else {
            let text = "No worker is live that serves it.".to_owned();
            return Self::new(ActivityCode::NoWorker, text);
        };
        let text = format!(
            "No worker is live that serves it; the last one was seen at {}.",
            moment(last)
        );
        Self::new(ActivityCode::NoWorker, text).since(last)
    }

    /// That of a listener whose consumers are, at worst, as this one.
    fn of_consumer(status: &ConsumerStatus, lag: Option<Lag>) -> Self {
        let since = moment(status.since);
        let reason = status.reason.as_deref().unwrap_or("no reason is known");
        let (code, text) = match status.state {
            ConsumerState::TopicMissing => (
                ActivityCode::TopicMissing,
                format!("Its topic has been missing on the broker since {since}."),
            ),
            ConsumerState::Unreachable => (
                ActivityCode::BrokerUnreachable,
                format!("Its broker has been unreachable since {since}: {reason}."),
            ),
            ConsumerState::Failed => (
                ActivityCode::ConsumerFailed,
                format!("A consumer failed at {since} and will be started again: {reason}."),
            ),
            ConsumerState::Blocked => (
                ActivityCode::Blocked,
                format!("It has been holding its position since {since}: {reason}."),
            ),
            ConsumerState::Joining => (
                ActivityCode::Joining,
                format!("It has been waiting for its consumer group since {since}."),
            ),
            ConsumerState::TransactionOpen => (
                ActivityCode::TransactionOpen,
                format!("A transaction on its topic has been open since {since}: {reason}."),
            ),
            ConsumerState::Assigned => return Self::running(lag).since(status.since),
        };
        Self::new(code, text).since(status.since)
    }

    fn running(lag: Option<Lag>) -> Self {
        let (code, text) = match lag.map(|lag| lag.messages) {
            None => (ActivityCode::Running, "It is running.".to_owned()),
            Some(0) => (
                ActivityCode::UpToDate,
                "It is running and up to date.".to_owned(),
            ),
            Some(1) => (
                ActivityCode::Behind,
                "It is running, one message behind.".to_owned(),
            ),
            Some(messages) => (
                ActivityCode::Behind,
                format!("It is running, {messages} messages behind."),
            ),
        };
        Self::new(code, text)
    }

    fn new(code: ActivityCode, text: String) -> Self {
        Self {
            code,
            text,
            since: None,
        }
    }

    fn since(self, at: Timestamp) -> Self {
        Self {
            since: Some(at),
            ..self
        }
    }
}

/// A moment as sentences give it: to the second.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests;
