//! What is recorded of a command that changed nothing.

use serde::{Deserialize, Serialize};

use crate::describe::{self, BrokerNames};
use crate::envelope::StreamName;
use crate::event::Payload;
use crate::ids::CommandId;
use crate::thing::{Subject, Thing};
use crate::undo::{Inverse, NoUndo, Past};

/// A command was accepted and had nothing to do. It has this event in a stream of its own, so that
/// it is answered the same when it is sent again, whatever was changed in between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NothingChanged {
    pub command: CommandId,
    /// The stream that it would have changed.
    pub stream: StreamName,
}

impl NothingChanged {
    /// What the command would have changed.
    #[must_use]
    pub fn thing(&self) -> Option<Thing> {
        // A stream is named by the kind and the key of the thing whose history it is.
        let (kind, key) = self.stream.as_str().split_once('-')?;
        Thing::parse(kind, key)
    }
}

impl Payload for NothingChanged {
    const NAME: &'static str = "NothingChanged";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Command(&self.command)
    }

    fn about(&self) -> Vec<Thing> {
        Vec::new()
    }

    fn describe(&self, names: &BrokerNames) -> String {
        let thing = match self.thing() {
            Some(Thing::Broker(id)) => describe::broker(id, names),
            Some(Thing::Topic(id)) => id.topic.to_string(),
            Some(Thing::Worker(id)) => format!("the worker {id}"),
            Some(thing) => thing.to_string(),
            None => self.stream.to_string(),
        };
        format!("changed nothing about {thing}, which was already as requested")
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Final("it changed nothing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::WorkerId;
    use crate::testing::{broker_id, topic_id};

    fn told(thing: &Thing) -> String {
        let names = BrokerNames::from([(broker_id("main"), "main".parse().unwrap())]);
        let nothing = NothingChanged {
            command: CommandId(uuid::Uuid::nil()),
            stream: thing.stream(),
        };
        assert_eq!(nothing.thing().as_ref(), Some(thing));
        nothing.describe(&names)
    }

    #[test]
    fn it_names_what_the_command_would_have_changed() {
        let worker = WorkerId(uuid::Uuid::nil());
        for (thing, name) in [
            (Thing::Organization("acme".parse().unwrap()), "acme"),
            (
                Thing::Algorithm("acme/score".parse().unwrap()),
                "acme/score",
            ),
            (Thing::Broker(broker_id("main")), "main"),
            (Thing::Topic(topic_id("a-b")), "a-b"),
            (Thing::Worker(worker), &format!("the worker {worker}")),
        ] {
            let sentence = format!("changed nothing about {name}, which was already as requested");
            assert_eq!(told(&thing), sentence);
        }
    }
}
