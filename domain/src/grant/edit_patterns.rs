//! Editing the grants that a broker gives by pattern.

use super::batch::{self, Edit, Grantees};
use super::{Permission, TopicPatternGranted, TopicPatternRevoked};
use crate::authority::Right;
use crate::broker::Broker;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::event::Event;
use crate::ids::BrokerId;
use crate::pattern::TopicPattern;
use crate::refusal::Refusal;

/// The most pattern grants of one broker: each is looked at for every listener.
const MOST_PATTERNS: usize = 1000;

/// Change who may use the topics that patterns cover, whole or not at all. Nothing happens where
/// a change is no change. What was enabled under a removed grant ends by policy.
#[derive(Clone, Debug)]
pub struct EditPatternGrants {
    pub broker: BrokerId,
    /// 1 to 500, each permission once for each pattern.
    pub changes: Vec<PatternChange>,
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
        let added = self.changes.iter().filter(|c| c.edit == Edit::Add);
        batch::grantee_streams(added.map(|c| &c.permission))
    }

    fn requires(&self) -> Right {
        Right::AdministerCluster
    }

    fn decide(&self, (broker, grantees): &Self::State, _ctx: Ctx) -> Decided {
        let keys = self
            .changes
            .iter()
            .map(|c| (c.edit, (&c.pattern, &c.permission)));
        batch::check(keys)?;
        if self.changes.iter().any(|c| c.edit == Edit::Add) {
            broker.check_connected()?;
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
                    if patterns.remove(&key) {
                        events.push(self.revoked(change));
                    }
                }
            }
        }
        if patterns.len() > MOST_PATTERNS.max(broker.patterns.len()) {
            return Err(Refusal::TooMany {
                field: "changes",
                limit: "a broker may have at most 1,000 pattern grants",
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
            cause: None,
        }
        .into()
    }

    fn revoked(&self, change: &PatternChange) -> Event {
        TopicPatternRevoked {
            broker: self.broker,
            pattern: change.pattern.clone(),
            permission: change.permission.clone(),
            cause: None,
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::Access;
    use crate::testing::{
        broker_disconnected, broker_id, given, pattern_granted, pattern_revoked, ready, to_score,
    };

    fn change(edit: Edit, pattern: &str) -> PatternChange {
        PatternChange {
            edit,
            pattern: pattern.parse().unwrap(),
            permission: to_score(Access::Subscribe),
        }
    }

    fn edit(changes: impl IntoIterator<Item = PatternChange>) -> EditPatternGrants {
        EditPatternGrants {
            broker: broker_id("main"),
            changes: changes.into_iter().collect(),
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
    fn a_change_that_changes_nothing_has_no_event() {
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
            .then_refused(Refusal::TooMany {
                field: "changes",
                limit: "a broker may have at most 1,000 pattern grants",
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
    fn a_broker_that_has_ended_is_refused() {
        given(ready())
            .and([broker_disconnected("main")])
            .when(edit([change(Edit::Add, "orders.*")]))
            .then_refused(Refusal::BrokerGone);
    }
}
