//! Editing the grants that a broker gives by pattern.

use super::batch::{self, Edit, Grantees};
use super::{Permission, TopicPatternGranted, TopicPatternRevoked};
use crate::broker::Broker;
use crate::command::{Command, Ctx, Decision};
use crate::envelope::StreamName;
use crate::event::Event;
use crate::ids::{BrokerId, EventId};
use crate::pattern::TopicPattern;
use crate::refusal::Refusal;

/// The most pattern grants of one broker: each is looked at for every listener.
const MOST_PATTERNS: usize = 1000;

/// Change who may use the topics that patterns cover, whole or not at all. Nothing happens where
/// a change is no change. What was enabled under a removed grant ends by policy.
///
/// With a cause it is a policy's, and removes only what was given to an algorithm that is over.
#[derive(Clone, Debug)]
pub struct EditPatternGrants {
    pub broker: BrokerId,
    /// 1 to 500, each permission once for each pattern.
    pub changes: Vec<PatternChange>,
    /// The event that a policy answers by it.
    pub cause: Option<EventId>,
}

/// A permission to give or to take on every topic that a pattern covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternChange {
    pub edit: Edit,
    pub pattern: TopicPattern,
    pub permission: Permission,
}

impl Command for EditPatternGrants {
    type State = (Broker, Grantees);

    fn stream(&self) -> StreamName {
        StreamName::broker(self.broker)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        let asked = |change: &&PatternChange| change.edit == Edit::Add || self.cause.is_some();
        let asked = self.changes.iter().filter(asked).map(|c| &c.permission);
        batch::grantee_streams(asked)
    }

    fn decide(&self, (broker, grantees): &Self::State, _ctx: Ctx) -> Decision {
        let keys = self
            .changes
            .iter()
            .map(|c| (c.edit, (&c.pattern, &c.permission)));
        batch::check(keys)?;
        if self.changes.iter().any(|c| c.edit == Edit::Add) {
            broker.check_alive()?;
        }
        let mut patterns = broker.patterns.clone();
        let mut events = Vec::new();
        for (index, change) in self.changes.iter().enumerate() {
            let key = (change.pattern.clone(), change.permission.clone());
            let grantee = &change.permission.grantee;
            match change.edit {
                Edit::Add => {
                    batch::check_grantee(grantee, grantees).map_err(batch::at(index))?;
                    if patterns.insert(key) {
                        events.push(self.granted(change));
                    }
                }
                Edit::Remove => {
                    let founded = !batch::is_over(grantee, grantees);
                    if !(self.cause.is_some() && founded) && patterns.remove(&key) {
                        events.push(self.revoked(change));
                    }
                }
            }
        }
        if patterns.len() > MOST_PATTERNS.max(broker.patterns.len()) {
            return Err(Refusal::OutOfRange {
                field: "changes",
                rule: "few enough to leave a broker at most 1000 pattern grants",
            });
        }
        Ok(events)
    }
}

impl EditPatternGrants {
    fn granted(&self, change: &PatternChange) -> Event {
        TopicPatternGranted {
            broker: self.broker,
            pattern: change.pattern.clone(),
            permission: change.permission.clone(),
            cause: self.cause,
        }
        .into()
    }

    fn revoked(&self, change: &PatternChange) -> Event {
        TopicPatternRevoked {
            broker: self.broker,
            pattern: change.pattern.clone(),
            permission: change.permission.clone(),
            cause: self.cause,
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::Access;
    use crate::testing::{
        algorithm_retired, broker_disconnected, broker_id, given, pattern_granted, pattern_revoked,
        permission, ready,
    };

    fn change(edit: Edit, pattern: &str) -> PatternChange {
        PatternChange {
            edit,
            pattern: pattern.parse().unwrap(),
            permission: permission("acme/score", Access::Subscribe),
        }
    }

    fn edit(changes: impl IntoIterator<Item = PatternChange>) -> EditPatternGrants {
        EditPatternGrants {
            broker: broker_id("main"),
            changes: changes.into_iter().collect(),
            cause: None,
        }
    }

    #[test]
    fn one_batch_gives_and_takes() {
        given(ready())
            .and([pattern_granted("orders.*", Access::Subscribe)])
            .when(edit([
                change(Edit::Add, "eu.*"),
                change(Edit::Remove, "orders.*"),
            ]))
            .then([
                pattern_granted("eu.*", Access::Subscribe),
                pattern_revoked("orders.*", Access::Subscribe),
            ]);
    }

    #[test]
    fn what_is_so_already_is_no_news() {
        given(ready())
            .and([pattern_granted("orders.*", Access::Subscribe)])
            .when(edit([
                change(Edit::Add, "orders.*"),
                change(Edit::Remove, "eu.*"),
            ]))
            .then([]);
    }

    #[test]
    fn a_permission_is_named_once_for_each_pattern() {
        given(ready())
            .when(edit([
                change(Edit::Add, "eu.*"),
                change(Edit::Add, "us.*"),
                change(Edit::Remove, "eu.*"),
            ]))
            .then_refused(Refusal::InBatch {
                index: 2,
                refusal: Box::new(Refusal::ContradictoryChange { first: 0 }),
            });
    }

    #[test]
    fn a_broker_has_at_most_1000_pattern_grants() {
        let standing = (0..1000).map(|n| pattern_granted(&format!("t{n}.*"), Access::Subscribe));
        let standing: Vec<Event> = standing.collect();
        given(ready())
            .and(standing.clone())
            .when(edit([change(Edit::Add, "more.*")]))
            .then_refused(Refusal::OutOfRange {
                field: "changes",
                rule: "few enough to leave a broker at most 1000 pattern grants",
            });
        given(ready())
            .and(standing)
            .when(edit([
                change(Edit::Add, "more.*"),
                change(Edit::Remove, "t0.*"),
            ]))
            .then([
                pattern_granted("more.*", Access::Subscribe),
                pattern_revoked("t0.*", Access::Subscribe),
            ]);
    }

    #[test]
    fn a_broker_that_is_gone_is_refused() {
        given(ready())
            .and([broker_disconnected("main")])
            .when(edit([change(Edit::Add, "orders.*")]))
            .then_refused(Refusal::BrokerGone);
    }

    #[test]
    fn a_policy_takes_only_what_a_retired_algorithm_was_given() {
        let cause = Some(EventId(uuid::Uuid::from_u128(1)));
        let by_policy = || EditPatternGrants {
            cause,
            ..edit([change(Edit::Remove, "orders.*")])
        };
        given(ready())
            .and([pattern_granted("orders.*", Access::Subscribe)])
            .when(by_policy())
            .then([]);
        given(ready())
            .and([
                pattern_granted("orders.*", Access::Subscribe),
                algorithm_retired("acme/score"),
            ])
            .when(by_policy())
            .then([Event::from(TopicPatternRevoked {
                broker: broker_id("main"),
                pattern: "orders.*".parse().unwrap(),
                permission: permission("acme/score", Access::Subscribe),
                cause,
            })]);
    }
}
