//! Recording the topics of a broker, in as many appends as needed.

use domain::broker::{Broker, DiscoverTopics};
use domain::{CommandId, StreamName};

use crate::execute::{Engine, Failure, Outcome, Request};

/// More appends than the topics of any broker need.
const MOST_PARTS: u32 = 1000;

impl Engine {
    /// Records everything that a worker found. The request counts as done once the last part is
    /// recorded, so a request that was interrupted continues when it is repeated.
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

/// The request for one part of what was asked for.
pub(crate) fn part_of(request: &Request, part: u32) -> Request {
    Request {
        command: CommandId::part(request.command, part),
        ..request.clone()
    }
}
