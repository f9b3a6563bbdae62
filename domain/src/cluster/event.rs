//! What happened to the cluster.

use serde::{Deserialize, Serialize};

use crate::describe::BrokerNames;
use crate::event::Payload;
use crate::ids::JournalId;
use crate::thing::{Subject, Thing};
use crate::undo::{Inverse, NoUndo, Past};

/// An administrator had the read models rebuilt. They show the same as before, so that nothing
/// else follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadModelsRebuilt {}

impl Payload for ReadModelsRebuilt {
    const NAME: &'static str = "ReadModelsRebuilt";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Cluster
    }

    fn about(&self) -> Vec<Thing> {
        Vec::new()
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        "had the read models rebuilt".to_owned()
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Final("the read models show the same as before"))
    }
}

/// The workers of the cluster decide in this journal from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalAdopted {
    pub journal: JournalId,
}

impl Payload for JournalAdopted {
    const NAME: &'static str = "JournalAdopted";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Cluster
    }

    fn about(&self) -> Vec<Thing> {
        Vec::new()
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("adopted the journal {}", self.journal)
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Final(
            "messages are decided in the journal since then",
        ))
    }
}
