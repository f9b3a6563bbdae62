//! Taking an event back: find what it changed, and make the command that changes it back.

use domain::codec;
use domain::flow::Flows;
use domain::undo::{Inverse, NoUndo, Past, Standing};
use domain::{Envelope, Event, Revision, State, StreamName};

use crate::execute::{Engine, Failure, Seen};

/// Events read at once.
const PAGE: usize = 512;

/// What taking an event back came to.
#[derive(Debug)]
pub enum Undo {
    /// The command, and the thing as it was made for: the caller that executes it expects that, so
    /// that nothing that happens in between is lost.
    Command {
        inverse: Inverse,
        expected: Option<Seen>,
    },
    /// There is no such command.
    Impossible(NoUndo),
    /// The stream has no event of that revision.
    NoSuchEvent,
}

impl Engine {
    /// The command that takes back the event at `revision` of `stream`. `flows` are those that
    /// are enabled now, as far as the caller knows: enabling again may close a cycle.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn undo(
        &self,
        stream: &StreamName,
        revision: Revision,
        flows: &Flows,
    ) -> Result<Undo, Failure> {
        let mut before = Standing::default();
        let mut now = Standing::default();
        let mut undone: Option<Undone> = None;
        let mut from = Revision(0);
        loop {
            let page = self.store().read_stream(stream, from, PAGE).await?;
            for envelope in &page {
                let event = decode(envelope)?;
                now.apply(&event);
                if envelope.revision < revision {
                    before.apply(&event);
                } else if envelope.revision == revision {
                    undone = Some(Undone::new(event, revision));
                } else if let Some(undone) = &mut undone {
                    undone.follow(&event, envelope.revision);
                }
                from = Revision(envelope.revision.0 + 1);
            }
            if page.len() < PAGE {
                break;
            }
        }
        let Some(Undone { event, expected }) = undone else {
            return Ok(Undo::NoSuchEvent);
        };
        let past = Past {
            before: &before,
            now: &now,
            flows,
        };
        Ok(match event.inverse(&past) {
            Ok(inverse) => Undo::Command { inverse, expected },
            Err(reason) => Undo::Impossible(reason),
        })
    }
}

/// The event to take back, and what it is about as the stream leaves it.
struct Undone {
    event: Event,
    expected: Option<Seen>,
}

impl Undone {
    fn new(event: Event, revision: Revision) -> Self {
        let thing = event.revises().into_iter().next();
        let revision = Some(revision);
        Self {
            event,
            expected: thing.map(|thing| Seen { thing, revision }),
        }
    }

    /// Notes a later event.
    fn follow(&mut self, event: &Event, revision: Revision) {
        if let Some(expected) = &mut self.expected
            && event.revises().contains(&expected.thing)
        {
            expected.revision = Some(revision);
        }
    }
}

fn decode(envelope: &Envelope) -> Result<Event, Failure> {
    codec::decode(envelope).map_err(|source| Failure::Decode {
        stream: envelope.stream.clone(),
        source,
    })
}
