//! Splits a batch into rounds. Within a round, no two operations touch the same run, so that one
//! statement can execute all operations of a kind.

use std::collections::HashSet;

use super::transaction::Batch;
use crate::journal::operation::{
    Advance, Answer, Attempt, Claims, Decide, EndOutput, Hold, NoteFailedCall, Operation,
    Published, Refund,
};
use crate::journal::record::{Claim, RunKey};
use crate::journal::sampling::Keep;

/// Operations that are executed together, each with its place among the answers.
#[derive(Default)]
struct Round<'o> {
    claims: Vec<(usize, &'o Claims)>,
    attempts: Vec<(usize, RunKey, i64)>,
    decisions: Vec<(usize, &'o Decide)>,
    ended: Vec<&'o EndOutput>,
    holds: Vec<&'o Hold>,
    published: Vec<i64>,
    advances: Vec<&'o Advance>,
    keeps: Vec<&'o Keep>,
    failed_calls: Vec<&'o NoteFailedCall>,
    /// The runs that they touch, each by one of them.
    touched: HashSet<RunKey>,
}

/// Executes `operations`, and returns an answer for each.
pub(super) async fn apply(
    batch: &mut Batch<'_>,
    operations: &[Operation],
) -> sqlx::Result<Vec<Answer>> {
    let mut answers: Vec<Option<Answer>> = operations.iter().map(|_| None).collect();
    let mut round = Round::default();
    for (place, operation) in operations.iter().enumerate() {
        if !round.has_room_for(operation) {
            std::mem::take(&mut round).run(batch, &mut answers).await?;
        }
        if let Some(answer) = round.take(place, operation) {
            answers[place] = answer;
        } else {
            std::mem::take(&mut round).run(batch, &mut answers).await?;
            answers[place] = Some(alone(batch, operation).await?);
        }
    }
    round.run(batch, &mut answers).await?;
    let answers = answers
        .into_iter()
        .map(|answer| answer.ok_or(sqlx::Error::RowNotFound));
    answers.collect()
}

/// Executes an operation outside of a round.
async fn alone(batch: &mut Batch<'_>, operation: &Operation) -> sqlx::Result<Answer> {
    Ok(match operation {
        Operation::Listener(listener) => Answer::Listener(batch.listener(listener).await?),
        Operation::TakeUnpublished(take) => {
            Answer::TakeUnpublished(batch.take_unpublished(take).await?)
        }
        Operation::TakeOver(take) => Answer::TakeOver(batch.take_over(take).await?),
        Operation::Recover(_) => Answer::Recover(batch.recover().await?),
        Operation::CleanUp(clean_up) => Answer::CleanUp(batch.clean_up(clean_up).await?),
        Operation::Load(load) => Answer::Load(batch.load(load).await?),
        Operation::Begin(begin) => Answer::Begin(batch.begin_reading(begin).await?),
        Operation::Observe(observe) => Answer::Observe(batch.observe(observe).await?),
        Operation::Record(record) => Answer::Record(batch.record(record).await?),
        Operation::Confirm(confirm) => Answer::Confirm(batch.confirm(confirm).await?),
        Operation::Require(require) => Answer::Require(batch.require(require).await?),
        Operation::Prune(prune) => {
            batch.forget().await?;
            batch.forget_samples().await?;
            batch.forget_workers().await?;
            batch.forget_points().await?;
            Answer::Prune(batch.prune(prune).await?)
        }
        Operation::Claims(_)
        | Operation::Attempt(_)
        | Operation::Refund(_)
        | Operation::Decide(_)
        | Operation::Published(_)
        | Operation::EndOutput(_)
        | Operation::Hold(_)
        | Operation::Keep(_)
        | Operation::NoteFailedCall(_)
        | Operation::Advance(_) => return Err(sqlx::Error::RowNotFound),
    })
}

impl<'o> Round<'o> {
    /// Whether no operation of this round touches the same run.
    fn has_room_for(&self, operation: &Operation) -> bool {
        touched(operation).is_none_or(|run| !self.touched.contains(&run))
    }

    /// Adds an operation, and returns its answer if that is known already; none for an operation that
    /// is executed outside of rounds.
    fn take(&mut self, place: usize, operation: &'o Operation) -> Option<Option<Answer>> {
        self.touched.extend(touched(operation));
        Some(match operation {
            Operation::Claims(claims) => {
                self.claims.push((place, claims));
                None
            }
            Operation::Attempt(Attempt(run)) => {
                self.attempts.push((place, *run, 1));
                None
            }
            Operation::Refund(Refund { run, attempts }) => {
                self.attempts.push((place, *run, -i64::from(*attempts)));
                Some(Answer::Refund(()))
            }
            Operation::Decide(decide) => {
                self.decisions.push((place, decide));
                None
            }
            Operation::Published(Published(run)) => {
                self.published.push(run.run);
                Some(Answer::Published(()))
            }
            Operation::EndOutput(end) => {
                self.ended.push(end);
                Some(Answer::EndOutput(()))
            }
            Operation::Hold(hold) => {
                self.holds.push(hold);
                Some(Answer::Hold(()))
            }
            Operation::Advance(advance) => {
                self.advances.push(advance);
                Some(Answer::Advance(()))
            }
            Operation::Keep(keep) => {
                self.keeps.push(keep);
                Some(Answer::Keep(()))
            }
            Operation::NoteFailedCall(call) => {
                self.failed_calls.push(call);
                Some(Answer::NoteFailedCall(()))
            }
            Operation::Listener(_)
            | Operation::TakeUnpublished(_)
            | Operation::TakeOver(_)
            | Operation::Recover(_)
            | Operation::CleanUp(_)
            | Operation::Load(_)
            | Operation::Begin(_)
            | Operation::Observe(_)
            | Operation::Confirm(_)
            | Operation::Require(_)
            | Operation::Record(_)
            | Operation::Prune(_) => return None,
        })
    }

    async fn run(self, batch: &mut Batch<'_>, answers: &mut [Option<Answer>]) -> sqlx::Result<()> {
        let counts: Vec<_> = self
            .attempts
            .iter()
            .map(|(_, run, count)| (*run, *count))
            .collect();
        let counted = batch.add_attempts(&counts).await?;
        for ((place, _, _), counted) in self.attempts.iter().zip(counted) {
            if answers[*place].is_none() {
                answers[*place] = Some(Answer::Attempt(counted));
            }
        }
        let decisions: Vec<_> = self.decisions.iter().map(|(_, decide)| *decide).collect();
        let decided = batch.decisions(&decisions).await?;
        for ((place, _), outcome) in self.decisions.iter().zip(decided) {
            answers[*place] = Some(Answer::Decide(outcome));
        }
        batch.end_outputs(&self.ended).await?;
        batch.holds(&self.holds).await?;
        batch.published(&self.published).await?;
        batch.advance(&self.advances).await?;
        batch.keep(&self.keeps).await?;
        batch.note_failed_calls(&self.failed_calls).await?;
        // Last, so that a claim sees what its caller has done before it.
        let claims: Vec<&Claim> = self
            .claims
            .iter()
            .flat_map(|(_, claims)| &claims.0)
            .collect();
        let mut claimed = batch.claims(&claims).await?.into_iter();
        for (place, claims) in &self.claims {
            let own = claimed.by_ref().take(claims.0.len()).collect();
            answers[*place] = Some(Answer::Claims(own));
        }
        Ok(())
    }
}

/// The run that an operation touches. A message that is being claimed has none yet, and calls that did
/// not succeed are beside it.
fn touched(operation: &Operation) -> Option<RunKey> {
    match operation {
        Operation::Attempt(Attempt(run))
        | Operation::Refund(Refund { run, .. })
        | Operation::Decide(Decide { run, .. })
        | Operation::Published(Published(run))
        | Operation::EndOutput(EndOutput { run, .. })
        | Operation::Keep(Keep { run, .. })
        | Operation::Hold(Hold { run, .. }) => Some(*run),
        Operation::Claims(_)
        | Operation::Listener(_)
        | Operation::NoteFailedCall(_)
        | Operation::TakeUnpublished(_)
        | Operation::TakeOver(_)
        | Operation::Recover(_)
        | Operation::CleanUp(_)
        | Operation::Load(_)
        | Operation::Begin(_)
        | Operation::Advance(_)
        | Operation::Observe(_)
        | Operation::Confirm(_)
        | Operation::Require(_)
        | Operation::Record(_)
        | Operation::Prune(_) => None,
    }
}
