//! A worker coming and going.

use super::{Worker, WorkerJoined, WorkerLeft};
use crate::authority::Right;
use crate::cluster::Cluster;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::{JournalId, WorkerId};
use crate::refusal::Refusal;

/// Take assignments from now on. A worker that was here already was restarted, and says so.
#[derive(Clone, Debug)]
pub struct JoinWorker {
    pub worker: WorkerId,
    /// The one that it decides in: that of the cluster, if it has one.
    pub journal: JournalId,
}

impl Command for JoinWorker {
    type State = Cluster;

    fn stream(&self) -> StreamName {
        StreamName::worker(self.worker)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        vec![StreamName::cluster()]
    }

    fn requires(&self) -> Right {
        Right::Report(self.worker)
    }

    fn decide(&self, state: &Cluster, _ctx: Ctx) -> Decided {
        if let Some(used) = state.journal
            && used != self.journal
        {
            return Err(Refusal::OtherJournal {
                journal: self.journal,
                used,
            });
        }
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
    use uuid::Uuid;

    use super::*;
    use crate::cluster::JournalAdopted;
    use crate::testing::{WORKER, given, worker_joined};

    #[test]
    fn a_worker_joins_again_after_a_restart() {
        given([worker_joined()])
            .when(join(1))
            .then([worker_joined()]);
    }

    #[test]
    fn a_worker_with_another_journal_than_the_clusters_is_refused() {
        let adopted = JournalAdopted {
            journal: JournalId(Uuid::from_u128(1)),
        };
        given([adopted.clone().into()])
            .when(join(1))
            .then([worker_joined()]);
        let refusal = Refusal::OtherJournal {
            journal: JournalId(Uuid::from_u128(2)),
            used: adopted.journal,
        };
        given([adopted.into()]).when(join(2)).then_refused(refusal);
    }

    fn join(journal: u128) -> JoinWorker {
        JoinWorker {
            worker: WORKER,
            journal: JournalId(Uuid::from_u128(journal)),
        }
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
