//! Editing the grants of one topic.

use super::batch::{self, Edit, Grantees};
use super::{Permission, TopicGranted, TopicRevoked};
use crate::authority::Right;
use crate::broker::Broker;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::event::Event;
use crate::ids::TopicId;
use crate::topic::Topic;

/// Change who may use a topic, whole or not at all. Nothing happens where a change is no change.
/// What was enabled under a removed grant ends by policy.
#[derive(Clone, Debug)]
pub struct EditGrants {
    pub topic: TopicId,
    /// 1 to 500, each permission once.
    pub changes: Vec<GrantChange>,
}

/// A permission to give or to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantChange {
    pub edit: Edit,
    pub permission: Permission,
}

impl Command for EditGrants {
    type State = (Topic, Broker, Grantees);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.topic)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        let added = self.changes.iter().filter(|c| c.edit == Edit::Add);
        let mut streams = batch::grantee_streams(added.map(|c| &c.permission));
        streams.push(StreamName::broker(self.topic.broker));
        streams
    }

    fn requires(&self) -> Right {
        Right::AdministerCluster
    }

    fn decide(&self, (topic, broker, grantees): &Self::State, _ctx: Ctx) -> Decided {
        batch::check(self.changes.iter().map(|c| (c.edit, &c.permission)))?;
        if self.changes.iter().any(|c| c.edit == Edit::Add) {
            broker.check_connected()?;
            broker.check_topic(&self.topic.topic, "topicId")?;
        }
        let mut events = Vec::new();
        for (index, GrantChange { edit, permission }) in self.changes.iter().enumerate() {
            let present = topic.grants.contains(permission);
            match edit {
                Edit::Add => {
                    batch::check_grantee(&permission.grantee, grantees)
                        .map_err(batch::at(index))?;
                    if !present {
                        events.push(self.granted(permission));
                    }
                }
                Edit::Remove => {
                    if present {
                        events.push(self.revoked(permission));
                    }
                }
            }
        }
        Ok(events)
    }
}

impl EditGrants {
    /// The edit of a single permission.
    #[must_use]
    pub fn single(topic: TopicId, edit: Edit, permission: Permission) -> Self {
        Self {
            topic,
            changes: vec![GrantChange { edit, permission }],
        }
    }

    fn granted(&self, permission: &Permission) -> Event {
        TopicGranted {
            topic: self.topic.clone(),
            permission: permission.clone(),
            cause: None,
        }
        .into()
    }

    fn revoked(&self, permission: &Permission) -> Event {
        TopicRevoked {
            topic: self.topic.clone(),
            permission: permission.clone(),
            cause: None,
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::Access;
    use crate::refusal::Refusal;
    use crate::testing::{
        algorithm_registered, algorithm_retired, broker_connected, broker_disconnected, given,
        granted, organization_created, ready, revoked, to_algorithm, to_organization, to_score,
        topic_id, topics_gained, version_withdrawn,
    };

    fn edit(changes: impl IntoIterator<Item = (Edit, Permission)>) -> EditGrants {
        EditGrants {
            topic: topic_id("orders"),
            changes: changes
                .into_iter()
                .map(|(edit, permission)| GrantChange { edit, permission })
                .collect(),
        }
    }

    fn subscribe() -> Permission {
        to_score(Access::Subscribe)
    }

    fn publish() -> Permission {
        to_score(Access::Publish)
    }

    fn all_of(organization: &str) -> Permission {
        to_organization(organization, Access::Subscribe)
    }

    fn in_batch(index: usize, refusal: Refusal) -> Refusal {
        Refusal::InBatch {
            index,
            refusal: Box::new(refusal),
        }
    }

    #[test]
    fn a_published_algorithm_is_granted_a_known_topic() {
        given(ready())
            .when(edit([(Edit::Add, subscribe())]))
            .then([granted("orders", Access::Subscribe)]);
    }

    #[test]
    fn one_batch_gives_and_takes() {
        given(ready())
            .and([granted("orders", Access::Publish)])
            .when(edit([(Edit::Add, subscribe()), (Edit::Remove, publish())]))
            .then([
                granted("orders", Access::Subscribe),
                revoked("orders", Access::Publish),
            ]);
    }

    #[test]
    fn a_whole_organization_is_granted_a_topic() {
        given(ready())
            .when(edit([(Edit::Add, all_of("acme"))]))
            .then([granted("orders", all_of("acme"))]);
    }

    #[test]
    fn a_change_that_changes_nothing_has_no_event() {
        given(ready())
            .and([granted("orders", Access::Subscribe)])
            .when(edit([(Edit::Add, subscribe()), (Edit::Remove, publish())]))
            .then([]);
    }

    #[test]
    fn a_refused_change_refuses_the_batch_and_says_which() {
        let stranger = to_algorithm("acme/stranger", Access::Subscribe);
        given(ready())
            .when(edit([(Edit::Add, subscribe()), (Edit::Add, stranger)]))
            .then_refused(in_batch(
                1,
                Refusal::UnknownAlgorithm("acme/stranger".parse().unwrap()),
            ));
        given(ready())
            .when(edit([(Edit::Add, all_of("nobody"))]))
            .then_refused(in_batch(
                0,
                Refusal::UnknownOrganization("nobody".parse().unwrap()),
            ));
    }

    #[test]
    fn a_permission_is_named_once() {
        given(ready())
            .when(edit([
                (Edit::Add, publish()),
                (Edit::Add, subscribe()),
                (Edit::Add, subscribe()),
            ]))
            .then_refused(in_batch(2, Refusal::DuplicateChange { first: 1 }));
        given(ready())
            .when(edit([
                (Edit::Add, subscribe()),
                (Edit::Remove, subscribe()),
            ]))
            .then_refused(in_batch(1, Refusal::ContradictoryChange { first: 0 }));
    }

    #[test]
    fn a_batch_has_1_to_500_changes() {
        let refusal = Refusal::OutOfBounds {
            field: "changes",
            min: 1,
            max: 500,
        };
        given(ready()).when(edit([])).then_refused(refusal.clone());
        let many = |count: usize| {
            edit((0..count).map(|n| {
                let name = format!("acme/a{n}");
                (Edit::Remove, to_algorithm(&name, Access::Publish))
            }))
        };
        given(ready()).when(many(500)).then([]);
        given(ready()).when(many(501)).then_refused(refusal.clone());
        given(ready()).when(many(10_000)).then_refused(refusal);
    }

    #[test]
    fn a_broker_that_is_gone_gives_nothing_and_lets_take() {
        given(ready())
            .and([broker_disconnected("main")])
            .when(edit([(Edit::Add, subscribe())]))
            .then_refused(Refusal::BrokerGone);
        given(ready())
            .and([
                granted("orders", Access::Publish),
                broker_disconnected("main"),
            ])
            .when(edit([(Edit::Remove, publish())]))
            .then([revoked("orders", Access::Publish)]);
    }

    #[test]
    fn a_topic_that_the_broker_lacks_is_refused() {
        let absent = EditGrants {
            topic: topic_id("absent"),
            ..edit([(Edit::Add, subscribe())])
        };
        given(ready())
            .when(absent)
            .then_refused(Refusal::UnknownTopic("absent".parse().unwrap()));
    }

    #[test]
    fn a_topic_of_250_characters_is_none_of_kafka() {
        let long = |length: usize| EditGrants {
            topic: topic_id(&"t".repeat(length)),
            ..edit([(Edit::Add, subscribe())])
        };
        given(ready())
            .and([topics_gained("main", &["t".repeat(249).as_str()])])
            .when(long(249))
            .then([granted(&"t".repeat(249), Access::Subscribe)]);
        given(ready())
            .when(long(250))
            .then_refused(Refusal::OutOfRange {
                field: "topicId",
                rule: "a Kafka topic: at most 249 letters, digits, '.', '_' and '-', and not '.' \
                       or '..'",
            });
    }

    #[test]
    fn an_algorithm_with_nothing_to_call_is_refused() {
        let add = || edit([(Edit::Add, subscribe())]);
        let acme = "acme/score".parse().unwrap();
        given([
            broker_connected("main"),
            topics_gained("main", &["orders"]),
            organization_created("acme"),
            algorithm_registered("acme/score"),
        ])
        .when(add())
        .then_refused(in_batch(0, Refusal::NothingPublished(acme)));
        let acme = "acme/score".parse().unwrap();
        given(ready())
            .and([version_withdrawn("acme/score", "1.0.0")])
            .when(add())
            .then_refused(in_batch(0, Refusal::NothingPublished(acme)));
        let acme = "acme/score".parse().unwrap();
        given(ready())
            .and([algorithm_retired("acme/score")])
            .when(add())
            .then_refused(in_batch(0, Refusal::AlgorithmRetired(acme)));
    }
}
