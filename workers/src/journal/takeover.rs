//! Taking over what a process left in the journal: an earlier start of this worker, or another worker.

use domain::WorkerId;
use domain::lease::Epoch;

use super::operation::{CleanUp, Recover, TakeOver};
use super::{Journal, JournalError};

impl Journal {
    /// Writes the epoch of this worker's lease down: from now on, whatever another process commits
    /// for this worker in an earlier one is refused with [`JournalError::TakenOver`]. Returns whether
    /// this process may go on; it may not where a later epoch is there.
    pub async fn take_over(&self, epoch: Epoch) -> Result<bool, JournalError> {
        let worker = self.worker;
        self.queue.ask(TakeOver { worker, epoch }).await
    }

    /// Cleans up after an earlier start of this worker: decides the direct runs that it left
    /// undecided, whose callers are gone and whose bodies were not kept, and ends its holds on
    /// direct results. Returns how many runs it decided.
    pub async fn recover(&self) -> Result<u64, JournalError> {
        self.queue.ask(Recover).await
    }

    /// Cleans up after another worker, whose lease was taken in that epoch: what it still does is
    /// refused, its direct runs are decided as interrupted, and the direct results that it held to
    /// publish are free for others. Returns how many runs were decided; none where it came back meanwhile.
    pub async fn clean_up_after(
        &self,
        worker: WorkerId,
        epoch: Epoch,
    ) -> Result<Option<u64>, JournalError> {
        if !self.queue.ask(TakeOver { worker, epoch }).await? {
            return Ok(None);
        }
        let clean_up = CleanUp {
            after: worker,
            epoch,
        };
        self.queue.ask(clean_up).await
    }

    /// The other workers that share the journal and were not cleaned up after, with their epochs.
    pub async fn others(&self) -> Result<Vec<(WorkerId, Epoch)>, JournalError> {
        let workers = self.reads.workers().await.map_err(JournalError::Read)?;
        let others = workers
            .into_iter()
            .filter(|(worker, _)| *worker != self.worker);
        Ok(others.collect())
    }
}
