//! Who did something.

use async_graphql::{Interface, Object, OneofObject, Result};
use domain::{Actor as DomainActor, WorkerId};

use crate::error::invalid;
use crate::id::{self, IdError};
use crate::view::View;
use crate::worker::Worker;

/// Who did something.
#[derive(Interface)]
#[graphql(field(
    name = "name",
    ty = "String",
    desc = "The name that a person signs in with, a policy's name, or a worker's UUID."
))]
pub enum Actor {
    UserActor(UserActor),
    WorkerActor(WorkerActor),
    PolicyActor(PolicyActor),
}

pub struct UserActor(String);

/// A person.
#[Object]
impl UserActor {
    /// The name that the person signs in with.
    pub async fn name(&self) -> String {
        self.0.clone()
    }
}

pub struct WorkerActor(WorkerId, View);

/// A worker that reported what happened to a consumer.
#[Object]
impl WorkerActor {
    /// The worker's UUID.
    pub async fn name(&self) -> String {
        self.0.to_string()
    }

    /// The worker; null once it has left.
    async fn worker(&self) -> Option<Result<Worker>> {
        self.1.find(self.0, Worker::of_row).await
    }
}

pub struct PolicyActor(String);

/// A policy that reacted to another event.
#[Object]
impl PolicyActor {
    /// The policy's name.
    pub async fn name(&self) -> String {
        self.0.clone()
    }
}

impl Actor {
    pub(super) fn of(actor: &DomainActor, view: View) -> Self {
        match actor {
            DomainActor::User { name } => Self::UserActor(UserActor(name.clone())),
            DomainActor::Worker { id } => Self::WorkerActor(WorkerActor(*id, view)),
            DomainActor::Policy { name } => Self::PolicyActor(PolicyActor(name.clone())),
        }
    }
}

/// The actor whose events to list.
#[derive(OneofObject)]
pub enum ActorFilterInput {
    /// Events caused by the person who signs in with this name.
    User(String),
    /// Events caused by this policy.
    Policy(String),
    /// Events caused by this worker.
    WorkerId(async_graphql::ID),
}

impl ActorFilterInput {
    /// Reads what stands at `path` in the arguments.
    pub(super) fn read(self, path: &str) -> Result<DomainActor> {
        Ok(match self {
            Self::User(name) => DomainActor::User { name },
            Self::Policy(name) => DomainActor::Policy { name },
            Self::WorkerId(id) => DomainActor::Worker {
                id: id::worker(&id).map_err(|IdError(kind)| {
                    invalid(format!("{path}.workerId is not the id of {kind}"))
                })?,
            },
        })
    }
}
