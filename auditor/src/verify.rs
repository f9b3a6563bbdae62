//! Compares the whole log with its signed checkpoints.

use std::sync::Arc;

use crate::failure::Failure;
use event_store::EventStore;
use event_store::audit::{CheckpointDir, Report, Verifier};

/// Reads the whole log and compares it with every checkpoint in the directory.
///
/// # Errors
/// The log or the checkpoints cannot be read. A log that is not what was signed is no error but
/// in the report.
pub async fn verify(
    store: Arc<dyn EventStore>,
    directory: &CheckpointDir,
    verifier: &Verifier,
) -> Result<Report, Failure> {
    Ok(event_store::audit::verify(store, directory, verifier).await?)
}

/// A report as one line of JSON.
#[must_use]
pub fn json(report: &Report) -> String {
    let problems: Vec<_> = report.problems.iter().map(ToString::to_string).collect();
    let report = serde_json::json!({
        "intact": report.is_intact(),
        "events": report.events,
        "covered": report.covered,
        "proved": report.proved,
        "checkpoints": report.checkpoints,
        "first_bad_position": report.first_bad_position(),
        "problems": problems,
    });
    report.to_string()
}

/// A report in words.
#[must_use]
pub fn words(report: &Report) -> String {
    let (events, proved, checkpoints) = (report.events, report.proved, report.checkpoints);
    let mut lines = Vec::new();
    if report.is_intact() {
        let unsigned = events.saturating_sub(report.covered);
        lines.push(format!(
            "The log is intact. Checkpoints: {checkpoints}. Events proved: {proved}. \
             Events not yet signed: {unsigned}."
        ));
    } else {
        lines.push(format!(
            "The log does NOT match its signed checkpoints. Checkpoints: {checkpoints}. \
             Events: {events}, of which proved: {proved}."
        ));
        lines.extend(report.problems.iter().map(|problem| format!("- {problem}")));
    }
    if let Some(position) = report.first_bad_position() {
        lines.push(format!("First bad position: {position}"));
    }
    lines.join("\n")
}
