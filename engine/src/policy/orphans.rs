//! The policy that ends what lost its grant, its algorithm or its broker, and that moves what
//! used a replaced broker to its replacement.
//!
//! A listener needs a SUBSCRIBE grant, a connected broker and an algorithm that is not retired;
//! a publisher a PUBLISH grant and the same; a grant such a broker and algorithm.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::broker::{Broker, Phase};
use domain::grant::{Access, Grantee, Permission};
use domain::topic::Topic;
use domain::{
    AlgorithmId, BrokerId, Envelope, Event, EventId, ListenerId, PublisherId, State, Subject,
    TopicId, TopicName, TopicPattern, of_algorithm, of_cluster, of_command, of_grant, of_listener,
    of_organization, of_publisher, of_worker,
};

use super::remedy::{Cause, Orphan, Remedy, Replacement};

/// What the policy knows of the log so far.
#[derive(Debug, Default)]
pub struct Orphans {
    brokers: HashMap<BrokerId, Known>,
    retired: HashMap<AlgorithmId, Cause>,
    orphans: BTreeMap<Spot, BTreeMap<Orphan, Remedy>>,
}

/// A broker, the topics in use on it, and what was revoked there.
#[derive(Debug, Default)]
struct Known {
    /// Without the topics that its broker has: nothing here depends on them.
    broker: Broker,
    topics: BTreeMap<TopicName, Topic>,
    end: Option<End>,
    revoked: HashMap<(TopicName, Permission), Cause>,
    patterns_revoked: BTreeMap<(TopicPattern, Permission), Cause>,
}

/// How a broker ended.
#[derive(Clone, Copy, Debug)]
struct End {
    cause: Cause,
    replacement: Option<Replacement>,
}

/// Where orphans are looked for. A broker's patterns are sorted before its topics.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    Patterns(BrokerId),
    Topic(TopicId),
}

impl Orphans {
    /// Takes one more event in.
    pub fn apply(&mut self, envelope: &Envelope, event: &Event) {
        let cause = Cause {
            event: envelope.id,
            correlation: envelope.meta.correlation,
            position: envelope.position,
        };
        match event.subject() {
            Subject::Broker(id) => self.apply_to_broker(*id, event, cause),
            Subject::Topic(id) => self.apply_to_topic(id, event, cause),
            Subject::Algorithm(id) => {
                if matches!(event, Event::AlgorithmRetired(_)) {
                    self.retired.insert(id.clone(), cause);
                    self.review_all_of(id, cause.event);
                }
            }
            Subject::Organization(_)
            | Subject::Worker(_)
            | Subject::Cluster
            | Subject::Command(_) => {}
        }
    }

    /// What is out of order now, in a stable order.
    #[must_use]
    pub fn remedies(&self) -> Vec<Remedy> {
        let ready = self.orphans.iter().filter(|(spot, _)| match spot {
            // What a pattern permits can move only after the pattern.
            Spot::Topic(topic) => {
                let patterns = Spot::Patterns(topic.broker);
                !self.orphans.contains_key(&patterns)
            }
            Spot::Patterns(_) => true,
        });
        ready
            .flat_map(|(_, orphans)| orphans.values())
            .map(|remedy| self.with_replacement(remedy))
            .collect()
    }

    /// Whether nothing is out of order.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.orphans.is_empty()
    }

    fn apply_to_broker(&mut self, id: BrokerId, event: &Event, cause: Cause) {
        let known = self.brokers.entry(id).or_default();
        match event {
            Event::TopicsChanged(_) => return,
            Event::BrokerDisconnected(_) => {
                known.end = Some(End {
                    cause,
                    replacement: None,
                });
            }
            Event::BrokerReplaced(e) => {
                known.end = Some(End {
                    cause,
                    replacement: Some(Replacement {
                        broker: e.replacement,
                        start: e.start,
                    }),
                });
            }
            Event::TopicPatternRevoked(e) => {
                let key = (e.pattern.clone(), e.permission.clone());
                known.patterns_revoked.insert(key, cause);
            }
            of_organization!()
            | of_algorithm!()
            | of_grant!()
            | of_listener!()
            | of_publisher!()
            | of_worker!()
            | of_cluster!()
            | of_command!()
            | Event::BrokerConnected(_)
            | Event::BrokerCredentialsRotated(_)
            | Event::TopicPatternGranted(_) => {}
        }
        known.broker.apply(event);
        let topics: Vec<TopicName> = known.topics.keys().cloned().collect();
        self.review(Spot::Patterns(id), cause.event);
        for topic in topics {
            let broker = id;
            self.review(Spot::Topic(TopicId { broker, topic }), cause.event);
        }
    }

    fn apply_to_topic(&mut self, id: &TopicId, event: &Event, cause: Cause) {
        let known = self.brokers.entry(id.broker).or_default();
        if let Event::TopicRevoked(e) = event {
            let key = (id.topic.clone(), e.permission.clone());
            known.revoked.insert(key, cause);
        }
        let topic = known.topics.entry(id.topic.clone()).or_default();
        topic.apply(event);
        if topic.is_free() {
            known.topics.remove(&id.topic);
        }
        self.review(Spot::Topic(id.clone()), cause.event);
    }

    fn review_all_of(&mut self, algorithm: &AlgorithmId, since: EventId) {
        let mut spots = Vec::new();
        for (broker, known) in &self.brokers {
            spots.push(Spot::Patterns(*broker));
            spots.extend(known.topics.keys().map(|topic| {
                Spot::Topic(TopicId {
                    broker: *broker,
                    topic: topic.clone(),
                })
            }));
        }
        tracing::debug!(algorithm = %algorithm, spots = spots.len(), "an algorithm was retired");
        for spot in spots {
            self.review(spot, since);
        }
    }

    /// Reviews one spot after the event `since`.
    fn review(&mut self, spot: Spot, since: EventId) {
        let found = match &spot {
            Spot::Patterns(id) => self.orphaned_patterns(*id),
            Spot::Topic(id) => self.orphaned_on(id),
        };
        let mut before = self.orphans.remove(&spot).unwrap_or_default();
        if found.is_empty() {
            return;
        }
        let remedies = found.into_iter().map(|(orphan, cause)| {
            let remedy = before.remove(&orphan).unwrap_or_else(|| Remedy {
                orphan: orphan.clone(),
                cause,
                since,
                replacement: None,
            });
            (orphan, remedy)
        });
        let remedies = remedies.collect();
        self.orphans.insert(spot, remedies);
    }

    fn orphaned_patterns(&self, id: BrokerId) -> Vec<(Orphan, Cause)> {
        let Some(known) = self.brokers.get(&id) else {
            return Vec::new();
        };
        let patterns = &known.broker.patterns;
        if let Some(end) = known.end {
            let left = !patterns.is_empty();
            return left
                .then_some((Orphan::Patterns(id), end.cause))
                .into_iter()
                .collect();
        }
        let retired = |(pattern, permission): &(TopicPattern, Permission)| {
            let cause = self.retired(&permission.grantee)?;
            let orphan = Orphan::Pattern(id, pattern.clone(), permission.clone());
            Some((orphan, cause))
        };
        patterns.iter().filter_map(retired).collect()
    }

    fn orphaned_on(&self, id: &TopicId) -> Vec<(Orphan, Cause)> {
        let Some(known) = self.brokers.get(&id.broker) else {
            return Vec::new();
        };
        let Some(topic) = known.topics.get(&id.topic) else {
            return Vec::new();
        };
        if let Some(end) = known.end {
            return vec![(Orphan::Topic(id.clone()), end.cause)];
        }
        let cause = |algorithm: &AlgorithmId, access| {
            let retired = self.retired.get(algorithm).copied();
            retired.or_else(|| known.lost(topic, &id.topic, algorithm, access))
        };
        let listeners = topic.listeners.keys().filter_map(|algorithm| {
            let listener = ListenerId {
                topic: id.clone(),
                algorithm: algorithm.clone(),
            };
            Some((
                Orphan::Listener(listener),
                cause(algorithm, Access::Subscribe)?,
            ))
        });
        let publishers = topic.publishers.keys().filter_map(|algorithm| {
            let publisher = PublisherId {
                topic: id.clone(),
                algorithm: algorithm.clone(),
            };
            Some((
                Orphan::Publisher(publisher),
                cause(algorithm, Access::Publish)?,
            ))
        });
        let grants = topic.grants.iter().filter_map(|permission| {
            let orphan = Orphan::Grant(id.clone(), permission.clone());
            Some((orphan, self.retired(&permission.grantee)?))
        });
        listeners.chain(publishers).chain(grants).collect()
    }

    /// The event that retired the grantee, if it is an algorithm that is retired.
    fn retired(&self, grantee: &Grantee) -> Option<Cause> {
        match grantee {
            Grantee::Algorithm(algorithm) => self.retired.get(algorithm).copied(),
            Grantee::Organization(_) => None,
        }
    }

    /// The remedy with the broker that takes over in the end.
    fn with_replacement(&self, remedy: &Remedy) -> Remedy {
        let first = match &remedy.orphan {
            Orphan::Topic(topic) => topic.broker,
            Orphan::Patterns(broker) => *broker,
            Orphan::Listener(_)
            | Orphan::Publisher(_)
            | Orphan::Grant(..)
            | Orphan::Pattern(..) => return remedy.clone(),
        };
        Remedy {
            replacement: self.last_replacement(first),
            ..remedy.clone()
        }
    }

    /// The last in the chain of replacements: one may have been replaced before everything had
    /// moved to it. Brokers that replaced each other at the same moment, each in a stream of
    /// its own, form a circle: none of them is left to take over, so there is no replacement.
    fn last_replacement(&self, first: BrokerId) -> Option<Replacement> {
        let next = |broker: BrokerId| self.brokers.get(&broker)?.end?.replacement;
        let mut seen = HashSet::from([first]);
        let mut last = next(first)?;
        while seen.insert(last.broker) {
            let Some(later) = next(last.broker) else {
                return Some(last);
            };
            last = Replacement {
                start: later.start.or(last.start),
                ..later
            };
        }
        None
    }
}

impl Known {
    /// The last event that took from `algorithm` what it is no longer permitted.
    fn lost(
        &self,
        topic: &Topic,
        name: &TopicName,
        algorithm: &AlgorithmId,
        access: Access,
    ) -> Option<Cause> {
        if self.broker.phase != Phase::Connected
            || topic.may_stay_enabled(name, algorithm, access, &self.broker)
        {
            return None;
        }
        let grantees = [
            Grantee::Algorithm(algorithm.clone()),
            Grantee::Organization(algorithm.organization.clone()),
        ];
        let revoked = grantees.into_iter().filter_map(|grantee| {
            let permission = Permission { grantee, access };
            self.revoked.get(&(name.clone(), permission))
        });
        let by_pattern = self
            .patterns_revoked
            .iter()
            .filter(|((pattern, permission), _)| {
                permission.covers(algorithm, access) && pattern.covers(name)
            })
            .map(|(_, cause)| cause);
        revoked
            .chain(by_pattern)
            .max_by_key(|cause| cause.position)
            .copied()
    }
}
