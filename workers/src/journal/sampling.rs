//! Samples of runs as they are stored, and which of them are kept.
//!
//! Those of one day that ended alike are a stratum. Of each stratum, the samples with the lowest ranks
//! are kept, as many as there is room for: a rank is as good as random, so they are drawn evenly, and
//! rare ends keep theirs however many common ones there are.

use domain::sample::{KeptSample, Sample};
use domain::{AlgorithmId, RunId};
use jiff::Timestamp;

use super::decision::Draft;
use super::record::RunKey;

/// The most bytes of samples that are kept of a listener.
pub(super) const MOST_BYTES: i64 = 64 * 1024 * 1024;

/// For how many days samples are kept, beside that on which they were taken.
pub(super) const DAYS: i64 = 7;

const MICROS_PER_DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// One more than the highest rank.
const RANKS: i64 = 1 << 56;

/// What a row holds beside its bytes, roughly.
const OVERHEAD: i64 = 200;

/// A sample to keep.
#[derive(Debug)]
pub(super) struct Keep {
    pub(super) run: RunKey,
    pub(super) row: SampleRow,
    /// The most bytes that are kept of the listener.
    pub(super) most_bytes: i64,
}

/// A sample as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SampleRow {
    pub(super) stratum: String,
    pub(super) rank: i64,
    /// In JSON: all but the bytes.
    pub(super) about: String,
    pub(super) key: Option<Vec<u8>>,
    /// Of the message, the request and the answer.
    pub(super) bodies: [Option<Vec<u8>>; 3],
}

impl SampleRow {
    /// That of a run which was decided so.
    pub(super) fn of(run: RunId, draft: &Draft, mut sample: Sample) -> serde_json::Result<Self> {
        let bodies = sample
            .bodies_mut()
            .map(|body| body.map(|body| std::mem::take(&mut body.kept)));
        let status = draft.status.map(|status| status.to_string());
        let failure = draft.failure.map(|failure| failure.to_string());
        Ok(Self {
            stratum: format!(
                "{}/{}/{}",
                draft.decision.as_str(),
                status.unwrap_or_default(),
                failure.unwrap_or_default()
            ),
            rank: rank(run),
            about: serde_json::to_string(&sample)?,
            key: sample.key.take(),
            bodies,
        })
    }

    /// What it takes to store it, in bytes.
    pub(super) fn size(&self) -> i64 {
        let bodies = self.bodies.iter().flatten().map(Vec::len).sum::<usize>();
        let bytes = bodies + self.key.as_ref().map_or(0, Vec::len) + self.about.len();
        i64::try_from(bytes).unwrap_or(i64::MAX - OVERHEAD) + OVERHEAD
    }

    pub(super) fn read(
        self,
        algorithm: AlgorithmId,
        sampled_at: Timestamp,
        limit: Option<i64>,
    ) -> serde_json::Result<KeptSample> {
        let mut sample: Sample = serde_json::from_str(&self.about)?;
        sample.key = self.key;
        for (body, bytes) in sample.bodies_mut().into_iter().zip(self.bodies) {
            if let (Some(body), Some(bytes)) = (body, bytes) {
                body.kept = bytes;
            }
        }
        Ok(KeptSample {
            sample,
            algorithm,
            sampled_at,
            probability: limit.unwrap_or(RANKS) as f64 / RANKS as f64,
        })
    }
}

/// A number that is as good as random, and the same whenever the run is sampled: run ids are hashes,
/// or random.
fn rank(run: RunId) -> i64 {
    let bytes = run.0.as_bytes();
    bytes[9..16]
        .iter()
        .fold(0, |rank, byte| rank << 8 | i64::from(*byte))
}

/// The number of the day, since 1970, of a time in microseconds.
pub(super) fn day(micros: i64) -> i64 {
    micros.div_euclid(MICROS_PER_DAY)
}
