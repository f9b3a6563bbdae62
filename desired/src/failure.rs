//! Why a command on the desired state failed.

use std::io;

use client::ClientError;

use crate::apply::ApplyError;
use crate::problem::Problem;
use crate::removal::TooManyRemovals;
use crate::wanted::input::InputError;

/// Why a command on the desired state failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Client(#[from] ClientError),
    /// All reasons, one per line.
    #[error("cannot apply:{}", lines(.0))]
    Unreachable(Vec<Problem>),
    #[error(transparent)]
    TooManyRemovals(#[from] TooManyRemovals),
    #[error(
        "stopped after {done} of {all} changes; apply again to continue. This change was not \
         made:\n{change}"
    )]
    Stopped {
        done: usize,
        all: usize,
        change: String,
        source: ApplyError,
    },
    #[error("cannot write YAML")]
    Yaml(#[from] serde_saphyr::ser_error::Error),
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

fn lines(problems: &[Problem]) -> String {
    let line = |problem| format!("\n  {problem}");
    problems.iter().map(line).collect()
}
