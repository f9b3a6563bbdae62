//! Medians and percentiles.

use std::time::Duration;

/// The value below which a share `p` of `samples` lies.
pub(crate) fn percentile(samples: &mut [Duration], p: f64) -> Duration {
    samples.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into the samples"
    )]
    let index = ((samples.len() - 1) as f64 * p).round() as usize;
    samples[index]
}

/// How many a second.
pub(crate) fn rate(count: u64, time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    let count = count as f64;
    count / time.as_secs_f64()
}

/// The middle one of a few figures.
pub(crate) fn median(figures: &mut [f64]) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}
