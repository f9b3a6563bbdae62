//! What a batch of appends comes to, decided over what the log holds before it.

use std::collections::HashMap;

use domain::{CommandId, Position, Revision, StreamName};

use crate::port::{Append, AppendError, Appended, Expected};

/// What became of one append.
pub(crate) type Outcome = Result<Appended, AppendError>;

/// A batch as it is to be committed.
pub(crate) struct Decided<'a> {
    /// One for each append, in order.
    pub(crate) outcomes: Vec<Outcome>,
    /// What is to be inserted, in the order of its positions.
    pub(crate) accepted: Vec<(&'a Append, Appended)>,
    /// The log's last position before it.
    pub(crate) before: Position,
    /// The log's last position after it.
    pub(crate) head: Position,
}

/// What the log holds that decides over a batch, kept up to date as the batch goes.
pub(crate) struct Known<'a> {
    head: Position,
    /// The last revision of each stream of the batch; `None` where it has no events.
    revisions: HashMap<&'a str, Option<Revision>>,
    commands: HashMap<CommandId, (Appended, [u8; 32])>,
}

impl<'a> Known<'a> {
    /// Of a batch of so many appends, nothing but the log's last position.
    pub(crate) fn new(head: Position, appends: usize) -> Self {
        Self {
            head,
            revisions: HashMap::with_capacity(appends),
            commands: HashMap::with_capacity(appends),
        }
    }

    /// The last revision of `stream`.
    pub(crate) fn stream(&mut self, stream: &'a StreamName, last: Option<Revision>) {
        self.revisions.insert(stream.as_str(), last);
    }

    /// A command that was appended before, with the digest it came with.
    pub(crate) fn command(
        &mut self,
        command: CommandId,
        appended: Appended,
        fingerprint: [u8; 32],
    ) {
        self.commands.insert(command, (appended, fingerprint));
    }

    /// Decides each of `appends` as if after the ones before it.
    pub(crate) fn decide(mut self, appends: &'a [Append]) -> Decided<'a> {
        let before = self.head;
        let mut accepted = Vec::with_capacity(appends.len());
        let outcomes = appends
            .iter()
            .map(|append| {
                if let Some(earlier) = self.earlier(append) {
                    return earlier;
                }
                let appended = self.accept(append)?;
                accepted.push((append, appended));
                Ok(appended)
            })
            .collect();
        Decided {
            outcomes,
            accepted,
            before,
            head: self.head,
        }
    }

    /// The answer to a command that was appended before.
    fn earlier(&self, append: &Append) -> Option<Outcome> {
        let (appended, fingerprint) = self.commands.get(&append.command)?;
        Some(if *fingerprint == append.fingerprint {
            Ok(*appended)
        } else {
            Err(AppendError::CommandReused(append.command))
        })
    }

    /// Takes the next positions and revisions for `append` where its expectation holds.
    fn accept(&mut self, append: &'a Append) -> Outcome {
        let stream = append.stream.as_str();
        let actual = self.revisions.get(stream).copied().flatten();
        let expected = match append.expected {
            Expected::NoStream => None,
            Expected::Exact(revision) => Some(revision),
        };
        if actual != expected {
            return Err(AppendError::Conflict {
                stream: append.stream.clone(),
                actual,
            });
        }
        let events = append.events.len() as u64;
        let appended = Appended {
            first: Position(self.head.0 + 1),
            last: Position(self.head.0 + events),
            // Of no events at all the last revision would be -1.
            revision: Revision(actual.map_or(events - 1, |actual| actual.0 + events)),
        };
        self.head = appended.last;
        self.revisions.insert(stream, Some(appended.revision));
        self.commands
            .insert(append.command, (appended, append.fingerprint));
        Ok(appended)
    }
}
