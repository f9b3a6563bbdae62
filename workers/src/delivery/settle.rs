//! Settle: the broker hears that the message is done.

use brokers::Delivery;

use super::claim::Run;
use super::{Pipeline, Unsettled};
use crate::crash::Point;

/// Settles, and where the run was published only now, has the journal note it: some time later, for
/// losing some of it only costs publishing the same bytes again.
pub(super) async fn settle(
    pipeline: &Pipeline,
    run: &Run,
    delivery: Delivery,
    to_be_noted: bool,
) -> Result<(), Unsettled> {
    delivery.settle();
    Point::Settled.pass();
    if to_be_noted {
        pipeline.journal.published(run.key).await?;
    }
    Ok(())
}
