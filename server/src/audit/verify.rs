//! `eventflows audit verify`.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use event_store::audit::{Report, verify};
use serde_json::json;

use super::{Failure, LogArgs, TrustArgs, output};

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    trust: TrustArgs,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let verifier = args.trust.verifier()?;
    let store = args.log.open().await?;
    let report = verify(store, &args.trust.directory(), &verifier).await?;
    let text = if args.json { machine } else { words }(&report);
    writeln!(output(None)?, "{text}")?;
    Ok(if report.is_intact() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn machine(report: &Report) -> String {
    let problems: Vec<_> = report.problems.iter().map(ToString::to_string).collect();
    let report = json!({
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

fn words(report: &Report) -> String {
    let (events, proved, checkpoints) = (report.events, report.proved, report.checkpoints);
    let mut lines = Vec::new();
    if report.is_intact() {
        let unsigned = events.saturating_sub(report.covered);
        lines.push(format!(
            "The log is intact. Checkpoints: {checkpoints}. Events proved: {proved}. \
             Events not signed yet: {unsigned}."
        ));
    } else {
        lines.push(format!(
            "The log is NOT proved to be what was signed. Checkpoints: {checkpoints}. \
             Events: {events}, of which proved: {proved}."
        ));
        lines.extend(report.problems.iter().map(|problem| format!("- {problem}")));
    }
    if let Some(position) = report.first_bad_position() {
        lines.push(format!("First bad position: {position}"));
    }
    lines.join("\n")
}
