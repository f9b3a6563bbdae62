//! Events from all over the log: the last from memory, older ones by reads of near ones together.

use domain::Position;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::PAGE;
use super::failure::Failure;
use super::link::Link;
use super::log::Log;
use super::record::{Record, position};

/// Events this far apart are read together: it costs less than another read.
const NEAR: u64 = 64;

/// Reads at once for one reader.
const READS: usize = 16;

/// The events at `positions`, which are known to be there and ascend.
pub(super) async fn records(
    log: &Log,
    link: &Link,
    positions: &[Position],
) -> Result<Vec<Record>, Failure> {
    let (recent, old): (Vec<Record>, &[Position]) = {
        let index = log.index();
        let old = positions.partition_point(|position| index.recent(*position).is_none());
        let recent = positions[old..].iter();
        let recent = recent.filter_map(|position| index.recent(*position).cloned());
        (recent.collect(), &positions[..old])
    };
    let read = |run: Vec<Position>| async move { read_run(log, link, &run).await };
    let reads = stream::iter(runs(old)).map(read).buffered(READS);
    let mut records: Vec<Record> = reads.try_concat().await?;
    records.extend(recent);
    Ok(records)
}

/// The events at the positions of `run`, in one read.
async fn read_run(log: &Log, link: &Link, run: &[Position]) -> Result<Vec<Record>, Failure> {
    let (Some(first), Some(last)) = (run.first(), run.last()) else {
        return Ok(Vec::new());
    };
    let limit = usize::try_from(last.0 - first.0 + 1).expect("a run is short");
    let page = log.read(link, Position(first.0 - 1), limit).await?;
    let mut records = Vec::with_capacity(run.len());
    for event in &page.events {
        let found = position(event.get_original_event());
        if run.binary_search(&found).is_ok() {
            records.push(Record::decode(event)?);
        }
    }
    if records.len() == run.len() {
        return Ok(records);
    }
    Err(Failure::Damaged {
        position: *first,
        problem: format!("{} events near it are gone", run.len() - records.len()),
    })
}

/// `positions` in runs of near ones, each no longer than a page.
fn runs(positions: &[Position]) -> Vec<Vec<Position>> {
    let mut runs: Vec<Vec<Position>> = Vec::new();
    for position in positions {
        match runs.last_mut() {
            Some(run)
                if position.0 - run[run.len() - 1].0 <= NEAR
                    && position.0 - run[0].0 < PAGE as u64 =>
            {
                run.push(*position);
            }
            _ => runs.push(vec![*position]),
        }
    }
    runs
}
