//! What a policy does about an orphan: commands with ids made from the events they answer.

use domain::grant::{Permission, RevokeOrphanedGrant, RevokeOrphanedPatternGrant};
use domain::listener::{DisableOrphanedListener, StartPosition};
use domain::publisher::DisableOrphanedPublisher;
use domain::replacement::{EndPatterns, EndTopic, TakeOverPatterns, TakeOverTopic};
use domain::{
    Actor, AnyCommand, BrokerId, CommandId, CorrelationId, EventId, ListenerId, Position,
    PublisherId, TopicId, TopicPattern,
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

/// Something that lost its grant, its algorithm or its broker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Orphan {
    Listener(ListenerId),
    Publisher(PublisherId),
    Grant(TopicId, Permission),
    Pattern(BrokerId, TopicPattern, Permission),
    /// The grants, listeners and publishers of a topic whose broker has ended.
    Topic(TopicId),
    /// All grants by pattern of a broker that has ended.
    Patterns(BrokerId),
}

/// The broker that takes over from one that has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replacement {
    pub(super) broker: BrokerId,
    /// Where listeners begin there; by their own settings without.
    pub(super) start: Option<StartPosition>,
}

/// What is to be done about one orphan.
#[derive(Clone, Debug)]
pub struct Remedy {
    pub(super) orphan: Orphan,
    pub(super) cause: Cause,
    /// The event at which it became an orphan: the same one after every restart.
    pub(super) since: EventId,
    pub(super) replacement: Option<Replacement>,
}

/// One command of a remedy.
#[derive(Debug)]
pub struct RemedyStep {
    command: Box<dyn AnyCommand>,
    request: Request,
}

impl Remedy {
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
    pub fn steps(&self) -> Vec<RemedyStep> {
        let cause = self.cause.event;
        match &self.orphan {
            Orphan::Listener(listener) => vec![self.step(
                format!("listener {listener}"),
                DisableOrphanedListener {
                    listener: listener.clone(),
                    cause,
                },
            )],
            Orphan::Publisher(publisher) => vec![self.step(
                format!("publisher {publisher}"),
                DisableOrphanedPublisher {
                    publisher: publisher.clone(),
                    cause,
                },
            )],
            Orphan::Grant(topic, permission) => vec![self.step(
                format!("grant {topic} {} {}", permission.grantee, permission.access),
                RevokeOrphanedGrant {
                    topic: topic.clone(),
                    permission: permission.clone(),
                    cause,
                },
            )],
            Orphan::Pattern(broker, pattern, permission) => {
                let Permission { grantee, access } = permission;
                vec![self.step(
                    format!("pattern {broker} {pattern} {grantee} {access}"),
                    RevokeOrphanedPatternGrant {
                        broker: *broker,
                        pattern: pattern.clone(),
                        permission: permission.clone(),
                        cause,
                    },
                )]
            }
            Orphan::Topic(topic) => self.move_topic(topic),
            Orphan::Patterns(broker) => self.move_patterns(*broker),
        }
    }

    fn move_topic(&self, topic: &TopicId) -> Vec<RemedyStep> {
        let cause = self.cause.event;
        let taken = self.replacement.map(|replacement| {
            let (from, to) = (topic.broker, replacement.broker);
            self.step(
                format!("take over {from}/{} {to}", topic.topic),
                TakeOverTopic {
                    topic: topic.topic.clone(),
                    from,
                    to,
                    start: replacement.start,
                    cause,
                },
            )
        });
        let ended = self.step(
            format!("end {topic}"),
            EndTopic {
                topic: topic.clone(),
                cause,
            },
        );
        taken.into_iter().chain([ended]).collect()
    }

    fn move_patterns(&self, from: BrokerId) -> Vec<RemedyStep> {
        let cause = self.cause.event;
        let taken = self.replacement.map(|replacement| {
            let to = replacement.broker;
            self.step(
                format!("take over patterns {from} {to}"),
                TakeOverPatterns { from, to, cause },
            )
        });
        let ended = self.step(
            format!("end patterns {from}"),
            EndPatterns {
                broker: from,
                cause,
            },
        );
        taken.into_iter().chain([ended]).collect()
    }

    /// A command, with an id made from what it is about and the event since when it is needed.
    fn step(&self, about: String, command: impl AnyCommand + 'static) -> RemedyStep {
        // The policies' names, as events show them.
        let name = match self.replacement {
            Some(_) => "replacement",
            None => "cleanup",
        };
        let request = Request {
            actor: Actor::Policy {
                name: name.to_owned(),
            },
            command: CommandId(Uuid::new_v5(&self.since.0, about.as_bytes())),
            fingerprint: [0; 32],
            correlation: self.cause.correlation,
            causation: Some(self.cause.event.0),
            client_address: None,
            repeatable: false,
            expected: Vec::new(),
        };
        RemedyStep {
            command: Box::new(command),
            request,
        }
    }
}

impl RemedyStep {
    /// Executes the command. Executing it again changes nothing.
    ///
    /// # Errors
    /// The log cannot be read or appended to.
    pub async fn execute(&self, engine: &Engine) -> Result<Outcome, Failure> {
        engine.execute(self.command.as_ref(), &self.request).await
    }
}
