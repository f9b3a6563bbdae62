//! Runs and ledgers over GraphQL. They live in the workers' journal, behind a port.

pub mod attempt;
pub mod filter;
mod list;
pub mod query;
pub mod sample;
pub mod target;
pub mod types;
pub mod workflow;

use std::fmt;
use std::str::FromStr;

use domain::run::Owner;

pub(crate) use filter::RunFilterInput;
pub(crate) use list::{RunConnection, RunsOf};
pub use types::{Ledger, Run};

/// What tells a run of a journal from the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunKey {
    /// A run of another journal may have the same number, and another owner.
    pub owner: Owner,
    pub number: i64,
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.number)
    }
}

impl FromStr for RunKey {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (owner, number) = text.rsplit_once('/').ok_or(())?;
        Ok(Self {
            owner: owner.parse().map_err(drop)?,
            number: number.parse().map_err(drop)?,
        })
    }
}
