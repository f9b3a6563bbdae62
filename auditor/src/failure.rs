//! Why a question to the log has no answer.

use std::io;
use std::path::PathBuf;

use domain::{EventId, Position};
use event_store::ReadError;
use event_store::audit::{ConsistencyProofError, EventProofError, NoteError, VerifyError};
use projections::{ProjectorError, ReadModelError};

use crate::row::RowError;

/// Why a question to the log has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is larger than {limit} bytes")]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("{path} is not a public key")]
    PublicKey {
        path: PathBuf,
        #[source]
        source: NoteError,
    },
    #[error("cannot write the output")]
    Write(#[from] io::Error),
    #[error("cannot read the event log")]
    Log(#[from] ReadError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error(transparent)]
    Event(#[from] EventProofError),
    #[error(transparent)]
    Consistency(#[from] ConsistencyProofError),
    #[error("the log has no event {0}")]
    NoEvent(EventId),
    #[error("the log's index places event {id} at position {position}, which holds another event")]
    Index { id: EventId, position: Position },
    #[error("the proof is not of the expected form")]
    ProofForm(#[source] serde_json::Error),
    #[error("unknown proof format `{0}`")]
    ProofFormat(String),
    #[error("the proof holds a hash that is not 32 bytes in base64")]
    ProofHash,
    #[error("the proof's leaf index is not that of its event")]
    ProofLeaf,
    #[error("the proof's event contradicts itself")]
    ProofEvent(#[from] RowError),
    #[error("the log ends at position {0}")]
    Future(Position),
    #[error("cannot replay the event log")]
    Replay(#[from] ProjectorError),
    #[error("cannot read the replayed state")]
    State(#[from] ReadModelError),
}
