//! The one writer of a process: decides over what it knows, and appends on the condition that it
//! knows everything.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Position};
use tokio::time::Instant;

use super::appender::{Appender, Written};
use super::failure::Failure;
use super::link::Link;
use super::log::Log;
use super::record::Record;
use crate::batch::{Known, Outcome};
use crate::group_commit::Commit;
use crate::port::{Append, AppendError, Appended, Expected};

/// Bytes past which an append is cut, so that its request is one frame of HTTP/2, of 16 KiB: the
/// client holds back the second one until the first is acknowledged, some 40 ms.
const MAX_WRITE_BYTES: usize = 16_000;

/// How long a batch is decided again because other processes were faster: less than callers wait.
/// Nobody stands in line for the log, so one of many may lose a hundred times in a row.
const LONGEST_CONTENTION: Duration = Duration::from_secs(15);

/// How often a batch is sent again because the connection was lost.
const MOST_FAILURES: u32 = 2;

pub(super) struct Writer {
    appender: Appender,
    log: Arc<Log>,
    clock: Arc<dyn Clock>,
}

impl Writer {
    /// A writer that appends over `link` what continues `log`.
    pub(super) fn new(link: Link, log: Arc<Log>, clock: Arc<dyn Clock>) -> Self {
        Self {
            appender: Appender::new(link, Arc::clone(&log)),
            log,
            clock,
        }
    }

    /// What the log holds, as far as is known, that decides over `appends`. All of it is of one
    /// moment: an append then goes on from that head, and is refused if anything came after it.
    async fn known<'a>(&self, appends: &'a [Append]) -> Result<Known<'a>, Failure> {
        let (mut known, firsts) = {
            let index = self.log.index();
            let mut known = Known::new(index.head(), appends.len());
            for append in appends {
                known.stream(&append.stream, index.last_revision(&append.stream));
            }
            let first = |append: &Append| index.command(append.command);
            (known, appends.iter().map(first).collect::<Vec<_>>())
        };
        let answers = self.log.answers(self.appender.link(), &firsts).await?;
        for (append, answer) in appends.iter().zip(answers) {
            if let Some((appended, fingerprint)) = answer {
                known.command(append.command, appended, fingerprint);
            }
        }
        Ok(known)
    }

    /// Appends what was accepted, a part after the other, until one is refused.
    async fn write(&mut self, accepted: &[(&Append, Appended)]) -> Result<Written, Failure> {
        let now = self.clock.now();
        let mut rest = accepted.iter().peekable();
        while let Some((append, appended)) = rest.next() {
            let mut records = Record::of(append, *appended, now);
            let mut bytes: usize = records.iter().map(Record::bytes_sent).sum();
            while let Some((append, appended)) = rest.peek() {
                let more = Record::of(append, *appended, now);
                bytes += more.iter().map(Record::bytes_sent).sum::<usize>();
                if bytes > MAX_WRITE_BYTES {
                    break;
                }
                records.extend(more);
                rest.next();
            }
            if let Written::Conflict = self.appender.append(records).await? {
                return Ok(Written::Conflict);
            }
        }
        Ok(Written::Done)
    }
}

impl Commit for Writer {
    async fn commit(
        &mut self,
        appends: &[Append],
    ) -> Result<(Vec<Outcome>, Position), sqlx::Error> {
        let begun = Instant::now();
        let mut failures = 0;
        let mut looked = false;
        self.log.catch_up(self.appender.link()).await?;
        loop {
            let decided = self.known(appends).await?.decide(appends);
            if decided.accepted.is_empty() {
                // What was appended stands in the log, and is answered from there.
                if looked || !is_behind(appends, &decided.outcomes) {
                    return Ok((decided.outcomes, decided.head));
                }
                self.log.refresh(self.appender.link()).await?;
                looked = true;
                continue;
            }
            match self.write(&decided.accepted).await {
                Ok(Written::Done) => {}
                Ok(Written::Conflict) => {
                    if begun.elapsed() > LONGEST_CONTENTION {
                        return Err(Failure::Outrun.into());
                    }
                }
                Err(failure) => {
                    failures += 1;
                    if failures > MOST_FAILURES || failure.is_refusal() {
                        return Err(failure.into());
                    }
                    // Whether it was appended, the log tells.
                    self.log.refresh(self.appender.link()).await?;
                }
            }
        }
    }

    async fn probe(&mut self) -> Result<(), sqlx::Error> {
        Ok(self.log.refresh(self.appender.link()).await?)
    }

    fn breaks_a_rule(error: &sqlx::Error) -> bool {
        let sqlx::Error::Io(error) = error else {
            return false;
        };
        let failure = error.get_ref().and_then(|inner| inner.downcast_ref());
        failure.is_some_and(Failure::is_refusal)
    }

    async fn close(self) {}
}

/// Whether a caller expects what this process has not heard of: it may come from another one.
fn is_behind(appends: &[Append], outcomes: &[Outcome]) -> bool {
    appends.iter().zip(outcomes).any(|(append, outcome)| {
        let (Err(AppendError::Conflict { actual, .. }), Expected::Exact(expected)) =
            (outcome, append.expected)
        else {
            return false;
        };
        actual.is_none_or(|actual| actual < expected)
    })
}
