//! Revoking a grant.

use super::{Access, TopicRevoked};
use crate::command::{Command, Ctx, Decision};
use crate::connection::Connection;
use crate::envelope::StreamName;
use crate::ids::{AlgorithmId, EventId, TopicId};
use crate::topic::Topic;

/// End a grant. Nothing happens when there is none. What was enabled under it ends by policy.
///
/// With a cause it is a policy's, and nothing happens unless the connection is gone.
#[derive(Clone, Debug)]
pub struct Revoke {
    pub topic: TopicId,
    pub algorithm: AlgorithmId,
    pub access: Access,
    /// The event that a policy answers by it.
    pub cause: Option<EventId>,
}

impl Command for Revoke {
    type State = (Topic, Connection);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.topic)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        vec![StreamName::connection(self.topic.connection)]
    }

    fn decide(&self, (topic, connection): &Self::State, _ctx: Ctx) -> Decision {
        let granted = topic
            .grants
            .contains(&(self.algorithm.clone(), self.access));
        let founded = topic.stands(&self.algorithm, self.access, connection);
        if !granted || (self.cause.is_some() && founded) {
            return Ok(vec![]);
        }
        Ok(vec![
            TopicRevoked {
                topic: self.topic.clone(),
                algorithm: self.algorithm.clone(),
                access: self.access,
                cause: self.cause,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{given, granted, revoked, topic_id};

    fn revoke() -> Revoke {
        Revoke {
            topic: topic_id("orders"),
            algorithm: "acme/score".parse().unwrap(),
            access: Access::Publish,
            cause: None,
        }
    }

    #[test]
    fn a_standing_grant_is_revoked() {
        given([granted("orders", Access::Publish)])
            .when(revoke())
            .then([revoked("orders", Access::Publish)]);
    }

    #[test]
    fn the_other_access_is_left_alone() {
        given([granted("orders", Access::Subscribe)])
            .when(revoke())
            .then([]);
    }
}
