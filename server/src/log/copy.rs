//! `eventflows log copy`.

use std::io::{self, Write};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use event_store::copy::{Progress, Stage};
use event_store::{Copied, LogUrl, copy, open_import, open_read_only};
use tokio::time::Instant;

use crate::failure::Failure;

/// How often progress is printed.
const INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct CopyArgs {
    /// The log to copy: `sqlite:PATH`, `postgres://…` or `kurrentdb://…`. A server may run on it;
    /// once it has stopped, run the copy again for what it appended in the meantime.
    #[arg(long, env = "EVENTFLOWS_COPY_FROM", hide_env_values = true)]
    from: LogUrl,
    /// The log to copy to: empty, or an earlier copy of the source. No server may run on it.
    #[arg(long, env = "EVENTFLOWS_COPY_TO", hide_env_values = true)]
    to: LogUrl,
}

pub(super) async fn run(args: &CopyArgs) -> Result<(), Failure> {
    let source = open_read_only(&args.from).await?;
    let target = open_import(&args.to).await?;
    let mut printed = None;
    let copied = copy(source.clone(), target.as_ref(), |progress| {
        if is_due(&mut printed, progress) {
            eprintln!("{}", line(progress));
        }
    })
    .await?;
    let since = source.head().await?.0.saturating_sub(copied.events);
    write(&mut io::stdout(), &copied, since).map_err(Failure::Output)
}

/// Whether to print: at both ends of a stage, and otherwise not too often.
fn is_due(printed: &mut Option<(Stage, Instant)>, progress: Progress) -> bool {
    let Progress { stage, done, of } = progress;
    let recently = |&(last, at): &(Stage, Instant)| last == stage && at.elapsed() < INTERVAL;
    let due = done == of || !printed.as_ref().is_some_and(recently);
    if due {
        *printed = Some((stage, Instant::now()));
    }
    due
}

fn line(progress: Progress) -> String {
    let Progress { stage, done, of } = progress;
    let stage = match stage {
        Stage::Comparing => "compared existing events",
        Stage::Copying => "copied",
        Stage::Verifying => "verified",
    };
    format!("{stage}: {done} of {of} events")
}

fn write(out: &mut impl Write, copied: &Copied, since: u64) -> io::Result<()> {
    let Copied {
        events,
        before,
        root,
    } = copied;
    writeln!(
        out,
        "Both logs hold the same {events} events, of which {before} were already in the target. \
         Their root: {}",
        STANDARD.encode(root)
    )?;
    if since > 0 {
        writeln!(
            out,
            "{since} more events were appended to the source during the copy: run it again when \
             no server appends to it."
        )?;
    }
    Ok(())
}
