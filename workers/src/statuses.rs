//! What the consumers of this worker are doing, for the journal, where the API reads it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use domain::WorkerId;
use domain::series::LagThen;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use crate::journal::{Journal, JournalError, Observation, Observed};

/// How often it is looked for what has changed, and so how late a change is written.
const TICK: Duration = Duration::from_secs(1);

/// How often a status is written of which only the lag changes.
const LAG_EVERY: Duration = Duration::from_secs(3);

/// How often one is written that does not change: well before it counts as stale.
const REPEAT_EVERY: Duration = Duration::from_secs(10);

/// Statuses that are written together.
const TOGETHER: usize = 256;

/// The statuses, by the consumer groups of the listeners.
#[derive(Default)]
pub(crate) struct Statuses(Mutex<HashMap<Uuid, Entry>>);

#[derive(Default)]
struct Entry {
    /// None once the consumer has ended for good.
    observed: Option<Observed>,
    written: Option<(Observed, Instant)>,
}

impl Statuses {
    /// Takes note of what a consumer is doing.
    pub(crate) fn set(&self, group: Uuid, observed: Observed) {
        self.entries().entry(group).or_default().observed = Some(observed);
    }

    /// The consumer has ended for good.
    pub(crate) fn end(&self, group: Uuid) {
        self.entries().entry(group).or_default().observed = None;
    }

    /// How far consumers are behind, as they said last.
    pub(crate) fn lags(&self) -> HashMap<Uuid, LagThen> {
        let entries = self.entries();
        let lags = entries.iter().filter_map(|(group, entry)| {
            let lag = entry.observed.as_ref()?.lag?;
            let age = |oldest: SystemTime| oldest.elapsed().unwrap_or_default().as_secs();
            let seconds = match lag.messages {
                0 => Some(0),
                _ => lag.oldest.map(age),
            };
            let lag = LagThen {
                messages: lag.messages,
                seconds,
            };
            Some((*group, lag))
        });
        lags.collect()
    }

    /// Writes what changes to the journal until it is cancelled.
    pub(crate) async fn keep_written(&self, journal: &Journal, worker: WorkerId) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_told = false;
        loop {
            ticks.tick().await;
            let written = self.write(journal, worker).await;
            if let Err(error) = &written
                && !is_told
            {
                tracing::warn!(%error, "the states of consumers could not be written");
            }
            is_told = written.is_err();
        }
    }

    /// Writes what is due.
    pub(crate) async fn write(
        &self,
        journal: &Journal,
        worker: WorkerId,
    ) -> Result<(), JournalError> {
        let now = Instant::now();
        for part in self.due(now).chunks(TOGETHER) {
            journal.observe(worker, part.to_vec()).await?;
            self.note(part, now);
        }
        Ok(())
    }

    fn due(&self, now: Instant) -> Vec<Observation> {
        let entries = self.entries();
        let due = entries.iter().filter(|(_, entry)| entry.is_due(now));
        let due = due.map(|(group, entry)| Observation {
            group: *group,
            observed: entry.observed.clone(),
        });
        due.collect()
    }

    /// Takes note of what was written.
    fn note(&self, written: &[Observation], now: Instant) {
        let mut entries = self.entries();
        for Observation { group, observed } in written {
            let Some(entry) = entries.get_mut(group) else {
                continue;
            };
            entry.written = observed.clone().map(|observed| (observed, now));
            if entry.observed.is_none() && observed.is_none() {
                entries.remove(group);
            }
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Uuid, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn is_due(&self, now: Instant) -> bool {
        let (Some(observed), Some((written, at))) = (&self.observed, &self.written) else {
            return true;
        };
        let lag = |of: &Observed| of.lag.map(|lag| (lag.messages, lag.oldest));
        let is_same = observed.state == written.state
            && observed.reason == written.reason
            && observed.partitions == written.partitions;
        let every = match is_same {
            false => return true,
            true if lag(observed) == lag(written) => REPEAT_EVERY,
            true => LAG_EVERY,
        };
        now.duration_since(*at) >= every
    }
}

#[cfg(test)]
mod tests {
    use brokers::Lag;
    use domain::consumer::ConsumerState;

    use super::*;

    const GROUP: Uuid = Uuid::nil();

    fn assigned(messages: u64) -> Observed {
        Observed {
            state: ConsumerState::Assigned,
            reason: None,
            partitions: 1,
            lag: Some(Lag {
                messages,
                oldest: None,
                measured: std::time::Instant::now(),
            }),
        }
    }

    /// What is due at that time, which is taken for written.
    fn due(statuses: &Statuses, now: Instant) -> usize {
        let due = statuses.due(now);
        statuses.note(&due, now);
        due.len()
    }

    #[test]
    fn a_state_is_written_when_it_changes_and_again_from_time_to_time() {
        let statuses = Statuses::default();
        let start = Instant::now();
        statuses.set(GROUP, assigned(0));
        assert_eq!(due(&statuses, start), 1);
        statuses.set(GROUP, assigned(0));
        assert_eq!(due(&statuses, start + TICK), 0);
        let blocked = Observed {
            state: ConsumerState::Blocked,
            ..assigned(0)
        };
        statuses.set(GROUP, blocked);
        assert_eq!(due(&statuses, start + TICK), 1);
        assert_eq!(due(&statuses, start + REPEAT_EVERY), 0);
        assert_eq!(due(&statuses, start + TICK + REPEAT_EVERY), 1);
    }

    #[test]
    fn a_lag_that_changes_all_the_time_is_written_every_few_seconds() {
        let statuses = Statuses::default();
        let start = Instant::now();
        let written = (0..30).map(|second| {
            statuses.set(GROUP, assigned(second));
            due(&statuses, start + Duration::from_secs(second))
        });
        assert_eq!(written.sum::<usize>(), 10);
    }

    #[test]
    fn a_consumer_that_has_ended_is_written_once_and_forgotten() {
        let statuses = Statuses::default();
        let now = Instant::now();
        statuses.set(GROUP, assigned(0));
        assert_eq!(due(&statuses, now), 1);
        statuses.end(GROUP);
        assert_eq!(due(&statuses, now), 1);
        assert_eq!(due(&statuses, now + REPEAT_EVERY), 0);
        assert!(statuses.entries().is_empty());
    }

    #[test]
    fn one_that_begins_again_while_its_end_is_written_is_written_once_more() {
        let statuses = Statuses::default();
        let now = Instant::now();
        statuses.set(GROUP, assigned(0));
        assert_eq!(due(&statuses, now), 1);
        statuses.end(GROUP);
        let ended = statuses.due(now);
        statuses.set(GROUP, assigned(0));
        statuses.note(&ended, now);
        assert_eq!(due(&statuses, now), 1);
    }
}
