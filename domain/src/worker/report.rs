//! What a worker says of its consumers.

use super::{
    ConsumerFailed, ConsumerStarted, ConsumerStopped, ListenerBlocked, ListenerUnblocked, Worker,
};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::event::Event;
use crate::ids::{ListenerId, WorkerId};

/// The longest error or reason that an event keeps, in characters.
const LONGEST_TEXT: usize = 500;

/// Record what became of a consumer. Nothing happens when it is known.
#[derive(Clone, Debug)]
pub struct ReportConsumer {
    pub worker: WorkerId,
    pub listener: ListenerId,
    pub report: Report,
}

/// What became of a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    Started,
    Stopped,
    /// It ended by itself and will be started again.
    Failed {
        error: String,
    },
    /// It holds its position.
    Blocked {
        reason: String,
    },
    Unblocked,
}

impl Command for ReportConsumer {
    type State = Worker;

    fn stream(&self) -> StreamName {
        StreamName::worker(self.worker)
    }

    fn requires(&self) -> Right {
        Right::Report(self.worker)
    }

    fn decide(&self, state: &Worker, _ctx: Ctx) -> Decided {
        let running = state.running.contains(&self.listener);
        let blocked = state.blocked.contains(&self.listener);
        let failed = state.failed.contains(&self.listener);
        let news = match &self.report {
            Report::Started => !running,
            Report::Stopped => running || failed,
            // One that fails again before it started says nothing new.
            Report::Failed { .. } => !failed,
            Report::Blocked { .. } => running && !blocked,
            Report::Unblocked => blocked,
        };
        Ok(if news { vec![self.event()] } else { vec![] })
    }
}

impl ReportConsumer {
    fn event(&self) -> Event {
        let worker = self.worker;
        let listener = self.listener.clone();
        let clipped = |text: &String| text.chars().take(LONGEST_TEXT).collect();
        match &self.report {
            Report::Started => ConsumerStarted { worker, listener }.into(),
            Report::Stopped => ConsumerStopped { worker, listener }.into(),
            Report::Failed { error } => ConsumerFailed {
                worker,
                listener,
                error: clipped(error),
            }
            .into(),
            Report::Blocked { reason } => ListenerBlocked {
                worker,
                listener,
                reason: clipped(reason),
            }
            .into(),
            Report::Unblocked => ListenerUnblocked { worker, listener }.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{WORKER, given, listener_id, worker_joined};

    fn report(report: Report) -> ReportConsumer {
        ReportConsumer {
            worker: WORKER,
            listener: listener_id("orders"),
            report,
        }
    }

    fn started() -> Event {
        report(Report::Started).event()
    }

    #[test]
    fn a_consumer_starts_and_stops_once() {
        let stopped = report(Report::Stopped).event();
        given([worker_joined()])
            .when(report(Report::Started))
            .then([started()]);
        given([worker_joined(), started()])
            .when(report(Report::Started))
            .then([]);
        given([worker_joined(), started()])
            .when(report(Report::Stopped))
            .then([stopped.clone()]);
        given([worker_joined(), started(), stopped])
            .when(report(Report::Stopped))
            .then([]);
    }

    #[test]
    fn a_restarted_worker_starts_its_consumers_anew() {
        given([worker_joined(), started(), worker_joined()])
            .when(report(Report::Started))
            .then([started()]);
    }

    #[test]
    fn a_blocked_listener_is_told_once_until_it_goes_on() {
        let blocked = Report::Blocked {
            reason: "the endpoint answers 401".to_owned(),
        };
        let told = report(blocked.clone()).event();
        given([worker_joined(), started()])
            .when(report(blocked.clone()))
            .then([told.clone()]);
        given([worker_joined(), started(), told.clone()])
            .when(report(blocked))
            .then([]);
        given([worker_joined(), started(), told])
            .when(report(Report::Unblocked))
            .then([report(Report::Unblocked).event()]);
    }

    #[test]
    fn a_consumer_that_never_started_fails_once_until_it_starts_or_is_stopped() {
        let failed = report(Report::Failed {
            error: "no thread to read on".to_owned(),
        });
        let told = failed.event();
        given([worker_joined()])
            .when(failed.clone())
            .then([told.clone()]);
        given([worker_joined(), told.clone()])
            .when(failed.clone())
            .then([]);
        given([worker_joined(), told.clone(), started()])
            .when(failed)
            .then([told.clone()]);
        given([worker_joined(), told])
            .when(report(Report::Stopped))
            .then([report(Report::Stopped).event()]);
    }

    #[test]
    fn an_endless_error_is_clipped() {
        let endless = report(Report::Failed {
            error: "x".repeat(10_000),
        });
        given([worker_joined(), started()])
            .when(endless)
            .then([report(Report::Failed {
                error: "x".repeat(LONGEST_TEXT),
            })
            .event()]);
    }
}
