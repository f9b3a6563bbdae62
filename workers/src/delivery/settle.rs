//! Settle: what follows once the broker has heard that the message is done.

use super::claim::Run;
use super::{Pipeline, Unsettled};
use crate::crash::Point;

/// Where the run was published only now, has the journal note it: some time later, for losing some of
/// it only costs publishing the same bytes again.
pub(super) async fn note(
    pipeline: &Pipeline,
    run: &Run,
    to_be_noted: bool,
) -> Result<(), Unsettled> {
    Point::Settled.pass();
    if to_be_noted {
        pipeline.journal.published(run.key).await?;
    }
    Ok(())
}
