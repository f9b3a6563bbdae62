//! Revoking what was granted to an algorithm that was retired. A policy's commands.

use super::batch::{self, Grantees};
use super::{Permission, TopicPatternRevoked, TopicRevoked};
use crate::authority::Right;
use crate::broker::Broker;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::{BrokerId, EventId, TopicId};
use crate::pattern::TopicPattern;
use crate::topic::Topic;

/// Revoke a grant on a topic from a retired algorithm. Nothing happens where the grantee is not
/// retired or has no such grant.
#[derive(Clone, Debug)]
pub struct RevokeOrphanedGrant {
    pub topic: TopicId,
    pub permission: Permission,
    /// The event that the policy answers by it.
    pub cause: EventId,
}

/// The same for a grant by pattern.
#[derive(Clone, Debug)]
pub struct RevokeOrphanedPatternGrant {
    pub broker: BrokerId,
    pub pattern: TopicPattern,
    pub permission: Permission,
    /// The event that the policy answers by it.
    pub cause: EventId,
}

impl Command for RevokeOrphanedGrant {
    type State = (Topic, Grantees);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.topic)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        batch::grantee_streams([&self.permission])
    }

    fn requires(&self) -> Right {
        Right::Answer
    }

    fn decide(&self, (topic, grantees): &Self::State, _ctx: Ctx) -> Decided {
        let present = topic.grants.contains(&self.permission);
        if !present || !batch::is_retired(&self.permission.grantee, grantees) {
            return Ok(vec![]);
        }
        Ok(vec![
            TopicRevoked {
                topic: self.topic.clone(),
                permission: self.permission.clone(),
                cause: Some(self.cause),
            }
            .into(),
        ])
    }
}

impl Command for RevokeOrphanedPatternGrant {
    type State = (Broker, Grantees);

    fn stream(&self) -> StreamName {
        StreamName::broker(self.broker)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        batch::grantee_streams([&self.permission])
    }

    fn requires(&self) -> Right {
        Right::Answer
    }

    fn decide(&self, (broker, grantees): &Self::State, _ctx: Ctx) -> Decided {
        let key = (self.pattern.clone(), self.permission.clone());
        let present = broker.patterns.contains(&key);
        if !present || !batch::is_retired(&self.permission.grantee, grantees) {
            return Ok(vec![]);
        }
        Ok(vec![
            TopicPatternRevoked {
                broker: self.broker,
                pattern: self.pattern.clone(),
                permission: self.permission.clone(),
                cause: Some(self.cause),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::grant::Access;
    use crate::testing::{
        CAUSE, algorithm_retired, broker_id, given, granted, pattern_granted, ready, to_score,
        topic_id,
    };

    fn subscribe() -> Permission {
        to_score(Access::Subscribe)
    }

    fn revoke() -> RevokeOrphanedGrant {
        RevokeOrphanedGrant {
            topic: topic_id("orders"),
            permission: subscribe(),
            cause: CAUSE,
        }
    }

    fn revoke_pattern() -> RevokeOrphanedPatternGrant {
        RevokeOrphanedPatternGrant {
            broker: broker_id("main"),
            pattern: "orders.*".parse().unwrap(),
            permission: subscribe(),
            cause: CAUSE,
        }
    }

    fn granted_both() -> Vec<Event> {
        let mut events = ready();
        events.push(granted("orders", Access::Subscribe));
        events.push(pattern_granted("orders.*", Access::Subscribe));
        events
    }

    #[test]
    fn what_a_retired_algorithm_was_granted_is_revoked() {
        given(granted_both())
            .and([algorithm_retired("acme/score")])
            .when(revoke())
            .then([Event::from(TopicRevoked {
                topic: topic_id("orders"),
                permission: subscribe(),
                cause: Some(CAUSE),
            })]);
        given(granted_both())
            .and([algorithm_retired("acme/score")])
            .when(revoke_pattern())
            .then([Event::from(TopicPatternRevoked {
                broker: broker_id("main"),
                pattern: "orders.*".parse().unwrap(),
                permission: subscribe(),
                cause: Some(CAUSE),
            })]);
    }

    #[test]
    fn other_grants_stay() {
        given(granted_both()).when(revoke()).then([]);
        given(granted_both()).when(revoke_pattern()).then([]);
    }

    #[test]
    fn what_was_revoked_already_is_left_alone() {
        given(ready())
            .and([algorithm_retired("acme/score")])
            .when(revoke())
            .then([]);
        given(ready())
            .and([algorithm_retired("acme/score")])
            .when(revoke_pattern())
            .then([]);
    }
}
