//! From a time to a position.

use domain::Position;
use event_store::{EventStore, ReadError};
use jiff::Timestamp;

/// The position of an event recorded at `time` or before, where the next one was recorded later.
pub(super) async fn position_at(
    store: &dyn EventStore,
    time: Timestamp,
) -> Result<Position, ReadError> {
    // The event at `low` was recorded by then; of those above `high` none is asked any more.
    let (mut low, mut high) = (0, store.head().await?.0);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        let found = store.read_all(Position(middle - 1), 1).await?;
        match found.first() {
            Some(event) if event.position.0 <= high && event.recorded_at <= time => {
                low = event.position.0;
            }
            _ => high = middle - 1,
        }
    }
    Ok(Position(low))
}
