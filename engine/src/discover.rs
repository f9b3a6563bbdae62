//! Recording the topics of a broker, in as many appends as their number asks for.

use domain::broker::{Broker, DiscoverTopics};
use domain::{CommandId, StreamName};

use crate::execute::{Engine, Failure, Outcome, Request};

/// More appends than the topics of any broker ask for.
const MOST_PARTS: u32 = 1000;

impl Engine {
    /// Records what a worker found, all of it: the request counts as done once the last part is
    /// recorded, so that one that was cut short goes on when it is made again.
    ///
    /// # Errors
    /// The log cannot be read or appended to.
    pub async fn discover(
        &self,
        command: &DiscoverTopics,
        request: &Request,
    ) -> Result<Outcome, Failure> {
        for part in 0..MOST_PARTS {
            let broker: Broker = self.fold(&StreamName::broker(command.broker)).await?;
            if command.fits(&broker) {
                break;
            }
            let outcome = self.execute(command, &part_of(request, part)).await?;
            if !matches!(outcome, Outcome::Accepted(_)) {
                return Ok(outcome);
            }
        }
        self.execute(command, request).await
    }
}

/// A request of its own for a part of what was asked for.
pub(crate) fn part_of(request: &Request, part: u32) -> Request {
    Request {
        command: CommandId::part(request.command, part),
        ..request.clone()
    }
}
