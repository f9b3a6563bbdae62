//! Taking an append back: find what it changed, and make the command that changes it back.

use domain::codec;
use domain::flow::Flows;
use domain::undo::{self, Inverse, NoUndo, Standing};
use domain::{Envelope, Event, Revision, State, StreamName};

use crate::execute::{Engine, Failure, Seen};

/// Events read at once.
const PAGE: usize = 512;

/// What taking an event back came to.
#[derive(Debug)]
pub enum Undo {
    /// The command, and the things as they were then: the caller that executes it expects that, so
    /// that nothing that happens in between is lost.
    Command {
        inverse: Inverse,
        expected: Vec<Seen>,
    },
    /// There is no such command.
    Impossible(NoUndo),
    /// The stream has no event of that revision.
    NoSuchEvent,
}

impl Engine {
    /// The command that takes back the event at `revision` of `stream`, with all that was appended
    /// together with it. `flows` are those that are enabled now, as far as the caller knows:
    /// enabling again may close a cycle.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn undo(
        &self,
        stream: &StreamName,
        revision: Revision,
        flows: &Flows,
    ) -> Result<Undo, Failure> {
        let found = self.store().read_stream(stream, revision, 1).await?;
        let Some(append) = found.first().map(|envelope| envelope.command) else {
            return Ok(Undo::NoSuchEvent);
        };
        let mut before = Standing::default();
        let mut now = Standing::default();
        let mut undone = Undone::default();
        let mut from = Revision(0);
        loop {
            let page = self.store().read_stream(stream, from, PAGE).await?;
            for envelope in &page {
                let event = decode(envelope)?;
                now.apply(&event);
                undone.follow(&event, envelope.revision);
                if envelope.command == append {
                    undone.take(event, envelope.revision);
                } else if undone.events.is_empty() {
                    before.apply(&event);
                }
                from = Revision(envelope.revision.0 + 1);
            }
            if page.len() < PAGE {
                break;
            }
        }
        let Undone { events, expected } = undone;
        Ok(match undo::inverse(&events, before, &now, flows) {
            Ok(inverse) => Undo::Command { inverse, expected },
            Err(reason) => Undo::Impossible(reason),
        })
    }
}

/// The events to take back, and what they are about as the stream leaves it.
#[derive(Default)]
struct Undone {
    events: Vec<Event>,
    /// Without those that are about nothing that the stream is the history of.
    expected: Vec<Seen>,
}

impl Undone {
    /// Takes one more event of the append.
    fn take(&mut self, event: Event, revision: Revision) {
        if let Some(thing) = event.revises().into_iter().next()
            && self.expected.iter().all(|seen| seen.thing != thing)
        {
            let revision = Some(revision);
            self.expected.push(Seen { thing, revision });
        }
        self.events.push(event);
    }

    /// Notes an event about what the append is about.
    fn follow(&mut self, event: &Event, revision: Revision) {
        let things = event.revises();
        for seen in &mut self.expected {
            if things.contains(&seen.thing) {
                seen.revision = Some(revision);
            }
        }
    }
}

fn decode(envelope: &Envelope) -> Result<Event, Failure> {
    codec::decode(envelope).map_err(|source| Failure::Decode {
        stream: envelope.stream.clone(),
        source,
    })
}
