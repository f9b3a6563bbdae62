//! What a policy does about an orphan: commands with ids made from the events they answer.

use domain::grant::{Edit, EditGrants, EditPatternGrants, PatternChange, Permission};
use domain::listener::{DisableListener, StartPosition};
use domain::publisher::DisablePublisher;
use domain::replacement::{EndPatterns, EndTopic, TakeOverPatterns, TakeOverTopic};
use domain::{
    Actor, BrokerId, CommandId, CorrelationId, EventId, ListenerId, Position, PublisherId, TopicId,
    TopicPattern,
};
use uuid::Uuid;

use crate::execute::{Engine, Failure, Outcome, Request};

/// The event that orphaned something, and the request it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cause {
    pub(super) event: EventId,
    pub(super) correlation: CorrelationId,
    pub(super) position: Position,
}

/// Something that has lost what it stood on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Orphan {
    Listener(ListenerId),
    Publisher(PublisherId),
    Grant(TopicId, Permission),
    Pattern(BrokerId, TopicPattern, Permission),
    /// All that hangs on a topic: its broker is gone.
    Topic(TopicId),
    /// All grants by pattern of a broker that is gone.
    Patterns(BrokerId),
}

/// The broker that takes over from one that is gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replacement {
    pub(super) broker: BrokerId,
    /// Where listeners begin there, if not where each was told to begin.
    pub(super) start: Option<StartPosition>,
}

/// What is to be done about one orphan.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(super) orphan: Orphan,
    pub(super) cause: Cause,
    /// The event at which it became an orphan: the same one after every restart.
    pub(super) since: EventId,
    pub(super) replacement: Option<Replacement>,
}

/// One command of an answer.
#[derive(Clone, Debug)]
pub struct Step {
    command: Command,
    request: Request,
}

#[derive(Clone, Debug)]
enum Command {
    TakeOverPatterns(TakeOverPatterns),
    TakeOverTopic(TakeOverTopic),
    EndPatterns(EndPatterns),
    EndTopic(EndTopic),
    DisableListener(DisableListener),
    DisablePublisher(DisablePublisher),
    EditGrants(EditGrants),
    EditPatternGrants(EditPatternGrants),
}

impl Answer {
    /// Does what is to be done. Doing it again changes nothing.
    ///
    /// # Errors
    /// The log cannot be read or appended to.
    pub async fn execute(&self, engine: &Engine) -> Result<(), Failure> {
        for step in self.steps() {
            // Nothing ends that could not be taken over.
            if !matches!(step.execute(engine).await?, Outcome::Accepted(_)) {
                break;
            }
        }
        Ok(())
    }

    /// The commands, in their order. Each may be repeated, and the rest may come after a crash.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        self.commands().into_iter().map(|c| self.step(c)).collect()
    }

    fn commands(&self) -> Vec<Command> {
        let cause = self.cause.event;
        match self.orphan.clone() {
            Orphan::Listener(listener) => vec![Command::DisableListener(DisableListener {
                listener,
                cause: Some(cause),
            })],
            Orphan::Publisher(publisher) => vec![Command::DisablePublisher(DisablePublisher {
                publisher,
                cause: Some(cause),
            })],
            Orphan::Grant(topic, permission) => vec![Command::EditGrants(EditGrants {
                cause: Some(cause),
                ..EditGrants::single(topic, Edit::Remove, permission)
            })],
            Orphan::Pattern(broker, pattern, permission) => {
                let removed = PatternChange {
                    edit: Edit::Remove,
                    pattern,
                    permission,
                };
                vec![Command::EditPatternGrants(EditPatternGrants {
                    broker,
                    changes: vec![removed],
                    cause: Some(cause),
                })]
            }
            Orphan::Topic(topic) => {
                let taken = self.replacement.map(|replacement| {
                    Command::TakeOverTopic(TakeOverTopic {
                        topic: topic.topic.clone(),
                        from: topic.broker,
                        to: replacement.broker,
                        start: replacement.start,
                        cause,
                    })
                });
                let ended = Command::EndTopic(EndTopic { topic, cause });
                taken.into_iter().chain([ended]).collect()
            }
            Orphan::Patterns(broker) => {
                let taken = self.replacement.map(|replacement| {
                    Command::TakeOverPatterns(TakeOverPatterns {
                        from: broker,
                        to: replacement.broker,
                        cause,
                    })
                });
                let ended = Command::EndPatterns(EndPatterns { broker, cause });
                taken.into_iter().chain([ended]).collect()
            }
        }
    }

    fn step(&self, command: Command) -> Step {
        // The policies' names, as events show them.
        let name = match self.replacement {
            Some(_) => "replacement",
            None => "orphans",
        };
        let request = Request {
            actor: Actor::Policy {
                name: name.to_owned(),
            },
            command: CommandId(Uuid::new_v5(&self.since.0, command.what().as_bytes())),
            fingerprint: [0; 32],
            correlation: self.cause.correlation,
            causation: Some(self.cause.event.0),
            client_address: None,
            expected_revision: None,
        };
        Step { command, request }
    }
}

impl Step {
    /// Executes the command. Executing it again changes nothing.
    ///
    /// # Errors
    /// The log cannot be read or appended to.
    pub async fn execute(&self, engine: &Engine) -> Result<Outcome, Failure> {
        let request = &self.request;
        match &self.command {
            Command::TakeOverPatterns(command) => engine.execute(command, request).await,
            Command::TakeOverTopic(command) => engine.execute(command, request).await,
            Command::EndPatterns(command) => engine.execute(command, request).await,
            Command::EndTopic(command) => engine.execute(command, request).await,
            Command::DisableListener(command) => engine.execute(command, request).await,
            Command::DisablePublisher(command) => engine.execute(command, request).await,
            Command::EditGrants(command) => engine.execute(command, request).await,
            Command::EditPatternGrants(command) => engine.execute(command, request).await,
        }
    }
}

impl Command {
    /// What the command is about: with the event that it answers it makes the command's id.
    fn what(&self) -> String {
        match self {
            Self::TakeOverPatterns(c) => format!("take over patterns {} {}", c.from, c.to),
            Self::TakeOverTopic(c) => format!("take over {}/{} {}", c.from, c.topic, c.to),
            Self::EndPatterns(c) => format!("end patterns {}", c.broker),
            Self::EndTopic(c) => format!("end {}", c.topic),
            Self::DisableListener(c) => format!("listener {}", c.listener),
            Self::DisablePublisher(c) => format!("publisher {}", c.publisher),
            Self::EditGrants(c) => {
                let changed: Vec<String> = c.changes.iter().map(|c| told(&c.permission)).collect();
                format!("grant {} {}", c.topic, changed.join(" "))
            }
            Self::EditPatternGrants(c) => {
                let told = |c: &PatternChange| format!("{} {}", c.pattern, told(&c.permission));
                let changed: Vec<String> = c.changes.iter().map(told).collect();
                format!("pattern {} {}", c.broker, changed.join(" "))
            }
        }
    }
}

fn told(permission: &Permission) -> String {
    format!("{} {}", permission.grantee, permission.access)
}
