//! Why a command failed.

use std::io;

use brokers::BrokerError;
use client::ClientError;
use event_store::{CopyError, OpenError, ReadError};
use eventflows_http::listen::ListenError;
use projections::{PastError, ProjectorError, ReadModelError};
use tokio::task::JoinError;
use workers::journal::{self, JournalError};

use crate::checkpoints::CheckpointsError;
use crate::config::ConfigError;
use crate::data_dir::DataDirError;
use crate::demo::flow::FlowError;
use crate::parts::PartError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    OpenLog(#[from] OpenError),
    #[error("cannot read the event log")]
    ReadLog(#[from] ReadError),
    #[error("cannot open the read models")]
    ReadModels(#[from] ReadModelError),
    #[error("cannot open the read models of earlier moments")]
    Past(#[from] PastError),
    #[error("cannot bring the read models up to date")]
    Projector(#[from] ProjectorError),
    #[error("cannot open the journal")]
    OpenJournal(#[from] journal::OpenError),
    #[error("cannot read the journal")]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Checkpoints(#[from] CheckpointsError),
    #[error(transparent)]
    Part(#[from] PartError),
    #[error("{part} panicked")]
    Panicked {
        part: &'static str,
        #[source]
        source: JoinError,
    },
    #[error("cannot copy the event log")]
    Copy(#[from] CopyError),
    #[error(transparent)]
    Audit(#[from] auditor::Failure),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Desired(Box<desired::Failure>),
    #[error("cannot start the demo's Kafka")]
    Kafka(#[from] BrokerError),
    #[error("cannot serve the demo's algorithm")]
    Algorithm(#[source] io::Error),
    #[error(transparent)]
    Flow(#[from] FlowError),
    #[error("cannot make a temporary directory")]
    Scratch(#[source] io::Error),
    #[error("cannot write the output")]
    Output(#[source] io::Error),
}

impl From<desired::Failure> for Failure {
    fn from(failure: desired::Failure) -> Self {
        Self::Desired(Box::new(failure))
    }
}
