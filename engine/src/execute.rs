//! Executing a command: fold its streams, decide, append, and again when the stream moved on.

use std::sync::Arc;

use domain::codec::{self, DecodeError};
use domain::command::NothingChanged;
use domain::{
    Actor, AnyCommand, Clock, CommandId, CorrelationId, Ctx, Deciding, Envelope, Event, Ids, Meta,
    Position, Refusal, Revision, State, StreamName, Thing, authority,
};
use event_store::{Append, AppendError, EventStore, Expected, ReadError};
use jiff::Timestamp;
use uuid::Uuid;

/// How often a command is decided when its stream moves on between reading and appending.
const MOST_TRIES: u32 = 16;

/// Events read at once.
const PAGE: usize = 512;

/// The most events that are shown to a caller with a stale revision.
pub const MOST_CHANGES: usize = 100;

/// Who asks, and under which identity the command is remembered.
#[derive(Clone, Debug)]
pub struct Request {
    pub actor: Actor,
    /// A command appends once under its id, however often it is executed.
    pub command: CommandId,
    /// A digest of what was asked: the same id with another digest is refused.
    pub fingerprint: [u8; 32],
    pub correlation: CorrelationId,
    /// The event that led here; the command itself where a person asked.
    pub causation: Option<Uuid>,
    pub client_address: Option<String>,
    /// Whether it may come again under the same id: that it had nothing to do is remembered then.
    pub repeatable: bool,
    /// What the command is decided for, if for one state of some things alone.
    pub expected: Vec<Seen>,
}

/// A thing as a caller last saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// It has its history in the stream of the command.
    pub thing: Thing,
    /// The revision, in that stream, of the last event about it; none where there was no event.
    pub revision: Option<Revision>,
}

impl Stale {
    /// Notes one more event of the thing's stream.
    fn note(&mut self, expected: &Seen, event: &Event, envelope: &Envelope) {
        if !event.revises().contains(&expected.thing) {
            return;
        }
        self.actual = Some(envelope.revision);
        if expected.revision < self.actual && self.since.len() < MOST_CHANGES {
            self.since.push(envelope.clone());
        }
    }
}

impl Request {
    fn meta(&self) -> Meta {
        Meta {
            actor: self.actor.clone(),
            correlation: self.correlation,
            causation: self.causation.unwrap_or(self.command.0),
            client_address: self.client_address.clone(),
        }
    }

    fn append(&self, stream: StreamName, expected: Expected, events: &[Event]) -> Append {
        Append {
            stream,
            expected,
            command: self.command,
            fingerprint: self.fingerprint,
            meta: self.meta(),
            events: codec::encode(self.command, events),
        }
    }
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Accepted(Accepted),
    Refused(Refusal),
    /// The thing is not at the revision that the caller expected.
    Stale(Stale),
    /// The idempotency key was used before for something else.
    KeyReused,
}

/// How a thing differs from what a caller expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stale {
    /// Its revision now; none where there is no event about it.
    pub actual: Option<Revision>,
    /// The events about it since the revision that was expected, oldest first: at most
    /// [`MOST_CHANGES`], the rest is in the stream.
    pub since: Vec<Envelope>,
}

/// A command that was done, now or before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The position of its last event, or of the state that left nothing to do. A client that reads
    /// at this position or later sees the effect.
    pub position: Position,
}

/// Why a command got no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("the command could not be appended")]
    Append(#[source] AppendError),
    #[error("the events a command needs could not be read")]
    Read(#[from] ReadError),
    #[error("an event in {stream} could not be decoded")]
    Decode {
        stream: StreamName,
        #[source]
        source: DecodeError,
    },
    #[error("too many concurrent changes to {0}; try again")]
    TooBusy(StreamName),
}

/// Executes commands against the log.
#[derive(Clone)]
pub struct Engine {
    store: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

/// What a command's streams held when they were read.
struct Loaded<'a> {
    decision: Box<dyn Deciding + 'a>,
    /// The last revision of the command's own stream.
    revision: Option<Revision>,
    /// The last position in any of them.
    seen: Position,
    /// What differs from what the caller expected.
    stale: Option<Stale>,
}

impl Engine {
    /// An engine over `store`.
    #[must_use]
    pub fn new(store: Arc<dyn EventStore>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { store, clock, ids }
    }

    /// The log that commands are appended to.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    /// A fresh identifier.
    #[must_use]
    pub fn next_id(&self) -> Uuid {
        self.ids.next()
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Executes `command`. The same request executed again answers the same and appends nothing.
    ///
    /// # Errors
    /// The log cannot be read or appended to; the request may be executed again.
    pub async fn execute(
        &self,
        command: &dyn AnyCommand,
        request: &Request,
    ) -> Result<Outcome, Failure> {
        if let Err(refusal) = authority::check(&request.actor, &command.requires()) {
            return Ok(Outcome::Refused(refusal));
        }
        let stream = command.stream();
        for _ in 0..MOST_TRIES {
            let mut loaded = self.load(command, &request.expected).await?;
            if let Some(stale) = loaded.stale {
                let stale = Outcome::Stale(stale);
                return self.unless_done_before(request, stale).await;
            }
            let ctx = Ctx {
                now: self.clock.now(),
            };
            let appended = match loaded.decision.decide(ctx) {
                Ok(events) if events.is_empty() && !request.repeatable => {
                    let nothing_to_do = Outcome::Accepted(Accepted {
                        position: loaded.seen,
                    });
                    return self.unless_done_before(request, nothing_to_do).await;
                }
                Ok(events) if events.is_empty() => self.remember(request, &stream).await?,
                Ok(events) => {
                    let expected = loaded.revision.map_or(Expected::NoStream, Expected::Exact);
                    let append = request.append(stream.clone(), expected, &events);
                    self.append(append).await?
                }
                Err(refusal) => {
                    let refused = Outcome::Refused(refusal);
                    return self.unless_done_before(request, refused).await;
                }
            };
            if let Some(outcome) = appended {
                return Ok(outcome);
            }
        }
        Err(Failure::TooBusy(stream))
    }

    /// Records that a command on `stream` had nothing to do: it is answered the same when it comes
    /// again, and does not then do what it has found done.
    async fn remember(
        &self,
        request: &Request,
        stream: &StreamName,
    ) -> Result<Option<Outcome>, Failure> {
        let nothing_changed = NothingChanged {
            command: request.command,
            stream: stream.clone(),
        };
        let own = StreamName::command(request.command);
        let append = request.append(own, Expected::NoStream, &[nothing_changed.into()]);
        self.append(append).await
    }

    /// What an append came to; nothing where its stream has moved on.
    async fn append(&self, append: Append) -> Result<Option<Outcome>, Failure> {
        match self.store.append(append).await {
            Ok(appended) => Ok(Some(Outcome::Accepted(Accepted {
                position: appended.last,
            }))),
            Err(AppendError::Conflict { .. }) => Ok(None),
            Err(AppendError::CommandReused(_)) => Ok(Some(Outcome::KeyReused)),
            Err(error) => Err(Failure::Append(error)),
        }
    }

    /// Folds one stream.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn fold<S: State>(&self, stream: &StreamName) -> Result<S, Failure> {
        self.fold_until(stream, None).await
    }

    /// Folds one stream as it was when the log ended at `until`; as it is without.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn fold_until<S: State>(
        &self,
        stream: &StreamName,
        until: Option<Position>,
    ) -> Result<S, Failure> {
        let mut state = S::default();
        let mut seen = Position::default();
        let mut apply = |event: &Event, _: &Envelope| state.apply(event);
        self.read_into(&mut apply, stream, until, &mut seen).await?;
        Ok(state)
    }

    /// A command that was done before may look refused, or like nothing to do, when its own
    /// events are in the state it is decided on: then what it was answered then holds.
    async fn unless_done_before(
        &self,
        request: &Request,
        outcome: Outcome,
    ) -> Result<Outcome, Failure> {
        Ok(self.done_before(request).await?.unwrap_or(outcome))
    }

    /// What the request was answered when it was done before, if it was.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn done_before(&self, request: &Request) -> Result<Option<Outcome>, Failure> {
        let appended = self.store.appended(request.command).await?;
        Ok(appended.map(|(appended, fingerprint)| {
            if fingerprint == request.fingerprint {
                Outcome::Accepted(Accepted {
                    position: appended.last,
                })
            } else {
                Outcome::KeyReused
            }
        }))
    }

    async fn load<'a>(
        &self,
        command: &'a dyn AnyCommand,
        expected: &[Seen],
    ) -> Result<Loaded<'a>, Failure> {
        let mut decision = command.begin();
        let mut seen = Position::default();
        let mut apply = |event: &Event, _: &Envelope| decision.apply(event);
        // The own stream last: what it says then is never older than what the others say.
        for stream in command.also_reads() {
            self.read_into(&mut apply, &stream, None, &mut seen).await?;
        }
        let own = command.stream();
        let mut actual = vec![Stale::default(); expected.len()];
        let mut apply = |event: &Event, envelope: &Envelope| {
            decision.apply(event);
            for (expected, actual) in expected.iter().zip(&mut actual) {
                actual.note(expected, event, envelope);
            }
        };
        let revision = self.read_into(&mut apply, &own, None, &mut seen).await?;
        let mut compared = expected.iter().zip(actual);
        let stale = compared.find(|(expected, actual)| expected.revision != actual.actual);
        Ok(Loaded {
            decision,
            revision,
            seen,
            stale: stale.map(|(_, stale)| stale),
        })
    }

    /// Gives the events of a stream to `apply`, and tells the revision of the last.
    async fn read_into(
        &self,
        apply: &mut (dyn FnMut(&Event, &Envelope) + Send),
        stream: &StreamName,
        until: Option<Position>,
        seen: &mut Position,
    ) -> Result<Option<Revision>, Failure> {
        let mut last = None;
        loop {
            let from = last.map_or(Revision(0), |Revision(last)| Revision(last + 1));
            let page = self.store.read_stream(stream, from, PAGE).await?;
            for envelope in &page {
                if until.is_some_and(|until| envelope.position > until) {
                    return Ok(last);
                }
                let event = codec::decode(envelope).map_err(|source| Failure::Decode {
                    stream: stream.clone(),
                    source,
                })?;
                apply(&event, envelope);
                last = Some(envelope.revision);
                *seen = envelope.position.max(*seen);
            }
            if page.len() < PAGE {
                return Ok(last);
            }
        }
    }
}
