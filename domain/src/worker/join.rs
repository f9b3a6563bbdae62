//! A worker coming and going.

use super::{Worker, WorkerJoined, WorkerLeft};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::{JournalId, WorkerId};

/// Be here from now on, and take assignments while the journal is that of the cluster. A worker that
/// was here already was restarted, and says so.
#[derive(Clone, Debug)]
pub struct JoinWorker {
    pub worker: WorkerId,
    /// The one that it decides in.
    pub journal: JournalId,
}

impl Command for JoinWorker {
    type State = Worker;

    fn stream(&self) -> StreamName {
        StreamName::worker(self.worker)
    }

    fn requires(&self) -> Right {
        Right::Report(self.worker)
    }

    fn decide(&self, _state: &Worker, _ctx: Ctx) -> Decided {
        Ok(vec![
            WorkerJoined {
                worker: self.worker,
                journal: self.journal,
            }
            .into(),
        ])
    }
}

/// Stop taking assignments. Nothing happens when the worker had not joined.
#[derive(Clone, Debug)]
pub struct LeaveWorker {
    pub worker: WorkerId,
}

impl Command for LeaveWorker {
    type State = Worker;

    fn stream(&self) -> StreamName {
        StreamName::worker(self.worker)
    }

    fn requires(&self) -> Right {
        Right::Report(self.worker)
    }

    fn decide(&self, state: &Worker, _ctx: Ctx) -> Decided {
        if !state.here {
            return Ok(vec![]);
        }
        Ok(vec![
            WorkerLeft {
                worker: self.worker,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{JOURNAL, WORKER, given, worker_joined};

    #[test]
    fn a_worker_joins_again_after_a_restart() {
        let join = JoinWorker {
            worker: WORKER,
            journal: JOURNAL,
        };
        given([worker_joined()]).when(join).then([worker_joined()]);
    }

    #[test]
    fn a_worker_leaves_once() {
        let leave = LeaveWorker { worker: WORKER };
        let left = WorkerLeft { worker: WORKER };
        given([worker_joined()])
            .when(leave.clone())
            .then([left.clone().into()]);
        given([worker_joined(), left.into()]).when(leave).then([]);
    }
}
