//! The moment that a query is about.

use async_graphql::{Context, OneofObject, Result};
use projections::PastError;

use crate::control::control;
use crate::error::{Code, error, fault, invalid, log_failure};
use crate::scalar::{DateTime, Position};

/// An earlier moment to answer as of. Runs and ledgers are always those of the present.
#[derive(Clone, Copy, Debug, OneofObject)]
pub enum AsOf {
    /// After the event at this position, from 1 to the end of the log.
    Position(Position),
    /// After the last event that was recorded by this time. Before the first event nothing exists.
    Time(DateTime),
}

/// The position that the log ended at then.
pub(crate) async fn position(ctx: &Context<'_>, as_of: AsOf) -> Result<domain::Position> {
    let control = control(ctx);
    match as_of {
        AsOf::Time(time) => {
            let position = control.past.position_at(time.0).await;
            position.map_err(|cause| past_failure(&cause))
        }
        AsOf::Position(Position(domain::Position(0))) => Err(invalid(
            "asOf.position is before the log, which begins at 1",
        )),
        AsOf::Position(Position(wanted)) => {
            let head = control.engine.store().head().await;
            let head = head.map_err(|cause| log_failure(&cause))?;
            if wanted > head {
                let future = PastError::Future { wanted, head };
                return Err(past_failure(&future));
            }
            Ok(wanted)
        }
    }
}

/// Where the log ends for a query: at its moment, or nowhere.
pub(crate) async fn bound(
    ctx: &Context<'_>,
    as_of: Option<AsOf>,
) -> Result<Option<domain::Position>> {
    match as_of {
        Some(as_of) => position(ctx, as_of).await.map(Some),
        None => Ok(None),
    }
}

pub(crate) fn past_failure(cause: &PastError) -> async_graphql::Error {
    match cause {
        PastError::Future { .. } => invalid(format!("asOf: {cause}")),
        PastError::Busy => error(Code::Unavailable, format!("{cause}; try again")),
        _ => fault(Code::Unavailable, cause),
    }
}
