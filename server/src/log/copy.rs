//! `eventflows log copy`.

use std::io::{self, Write};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use event_store::copy::{Progress, Stage};
use event_store::{Copied, copy, open_import, open_read_only};
use tokio::time::Instant;

use super::Failure;
use crate::config::LogUrl;

/// How often people hear how far it is.
const TELL: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct CopyArgs {
    /// The log to copy, `sqlite:PATH` or `postgres://…`. A server may run on it: what it appends
    /// meanwhile is copied by running this again once it has stopped.
    #[arg(long, env = "EVENTFLOWS_COPY_FROM", hide_env_values = true)]
    from: LogUrl,
    /// The log to copy to, empty or with a beginning of the other. No server may run on it.
    #[arg(long, env = "EVENTFLOWS_COPY_TO", hide_env_values = true)]
    to: LogUrl,
}

pub(super) async fn run(args: &CopyArgs) -> Result<(), Failure> {
    let source = open_read_only(args.from.as_str()).await?;
    let target = open_import(args.to.as_str()).await?;
    let mut told = None;
    let copied = copy(source.clone(), target.as_ref(), |progress| {
        if is_due(&mut told, progress) {
            eprintln!("{}", line(progress));
        }
    })
    .await?;
    let since = source.head().await?.0.saturating_sub(copied.events);
    write(&mut io::stdout(), &copied, since)?;
    Ok(())
}

/// Whether to tell: at both ends of a stage, and otherwise not too often.
fn is_due(told: &mut Option<(Stage, Instant)>, progress: Progress) -> bool {
    let Progress { stage, done, of } = progress;
    let recently = |&(told, at): &(Stage, Instant)| told == stage && at.elapsed() < TELL;
    let due = done == of || !told.as_ref().is_some_and(recently);
    if due {
        *told = Some((stage, Instant::now()));
    }
    due
}

fn line(progress: Progress) -> String {
    let Progress { stage, done, of } = progress;
    let stage = match stage {
        Stage::Comparing => "compared what is there",
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
        "Both logs hold the same {events} events, {before} of which were there before. Their \
         root: {}",
        STANDARD.encode(root)
    )?;
    if since > 0 {
        writeln!(
            out,
            "{since} more have been appended to the log since this began: run it again once \
             nobody appends to it."
        )?;
    }
    Ok(())
}
