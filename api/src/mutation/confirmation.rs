//! Waits until workers have stopped what a mutation forbids.

use std::time::Duration;

use async_graphql::Context;
use domain::Position;
use domain::worker::{Confirmations, LEASE};
use tokio::time::{Instant, sleep};

use crate::control::control;
use crate::user_error::Warning;

/// How long workers are waited for: a worker that is cut off has stopped by itself by then.
const PATIENCE: Duration = LEASE.saturating_add(Duration::from_secs(2));

/// Between two looks. Most workers take milliseconds.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Waits until no worker does any more what the events up to `position` forbid; answers a warning where
/// that is not known in time.
pub(super) async fn wait(ctx: &Context<'_>, position: Position) -> Option<Warning> {
    within(PATIENCE, &*control(ctx).confirmations, position).await
}

async fn within(
    patience: Duration,
    confirmations: &dyn Confirmations,
    position: Position,
) -> Option<Warning> {
    let deadline = Instant::now() + patience;
    let mut pause = FIRST_PAUSE;
    let mut is_required = false;
    loop {
        // A journal that is away for a moment is asked again.
        if !is_required {
            is_required = confirmations.require(position).await.is_ok();
        }
        let unconfirmed = match is_required {
            true => confirmations.unconfirmed(position).await.ok(),
            false => None,
        };
        if unconfirmed.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }
        if Instant::now() >= deadline {
            return Some(Warning::not_confirmed(&unconfirmed.unwrap_or_default()));
        }
        sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use domain::WorkerId;
    use domain::run::{BoxFuture, RunSourceError};
    use uuid::Uuid;

    use super::*;
    use crate::user_error::WarningCode;

    const ONE: WorkerId = WorkerId(Uuid::from_u128(1));
    const SECOND: Duration = Duration::from_secs(1);

    /// What it answers, one after the other; the last for ever. None: it is away.
    struct Script(Mutex<VecDeque<Option<Vec<WorkerId>>>>);

    impl Script {
        fn new(answers: impl IntoIterator<Item = Option<Vec<WorkerId>>>) -> Self {
            Self(Mutex::new(answers.into_iter().collect()))
        }

        fn left(&self) -> usize {
            self.0.lock().unwrap().len()
        }
    }

    impl Confirmations for Script {
        fn require(&self, _: Position) -> BoxFuture<'_, Result<(), RunSourceError>> {
            Box::pin(async { Ok(()) })
        }

        fn unconfirmed(&self, _: Position) -> BoxFuture<'_, Result<Vec<WorkerId>, RunSourceError>> {
            let mut answers = self.0.lock().unwrap();
            let answer = match answers.len() {
                1 => answers[0].clone(),
                _ => answers.pop_front().unwrap(),
            };
            let answer = answer.ok_or_else(|| RunSourceError("away".into()));
            Box::pin(async { answer })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_is_waited_for_until_it_has_confirmed() {
        let script = Script::new([Some(vec![ONE]), None, Some(vec![ONE]), Some(vec![])]);
        assert_eq!(within(SECOND, &script, Position(7)).await, None);
        assert_eq!(script.left(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_does_not_confirm_in_time_is_named() {
        let began = Instant::now();
        let script = Script::new([Some(vec![ONE])]);
        let warning = within(SECOND, &script, Position(7)).await.unwrap();
        assert_eq!(warning.code, WarningCode::NotConfirmed);
        assert!(warning.message.contains(&ONE.to_string()), "{warning:?}");
        assert!(began.elapsed() < 2 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn where_it_is_not_known_who_works_that_is_said() {
        let warning = within(SECOND, &Script::new([None]), Position(7)).await;
        assert_eq!(warning.unwrap().code, WarningCode::NotConfirmed);
    }
}
