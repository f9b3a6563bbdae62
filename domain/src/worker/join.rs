//! A worker coming and going.

use super::{Worker, WorkerJoined, WorkerLeft};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::WorkerId;

/// Take assignments from now on. A worker that was here already was restarted, and says so.
#[derive(Clone, Debug)]
pub struct JoinWorker {
    pub worker: WorkerId,
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
    use crate::testing::{WORKER, given, worker_joined};

    #[test]
    fn a_worker_joins_again_after_a_restart() {
        given([worker_joined()])
            .when(JoinWorker { worker: WORKER })
            .then([worker_joined()]);
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
