//! Which changes a client asked for.

use std::collections::HashSet;

use async_graphql::{ID, Result};
use domain::grant::{GrantKey, Grantee};
use domain::{AlgorithmId, BrokerId, OrganizationName, TopicId};

use super::NodeKind;
use crate::error::invalid;
use crate::id::GlobalId;

/// The most ids that may be asked for.
const MOST_IDS: usize = 100;

/// What is asked for; all where nothing is set.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    of: Option<HashSet<GlobalId>>,
    kinds: Option<Vec<NodeKind>>,
    within: Option<Within>,
}

/// What the things asked for belong to.
#[derive(Clone, Debug)]
enum Within {
    Broker(BrokerId),
    Topic(TopicId),
    Algorithm(AlgorithmId),
    Organization(OrganizationName),
}

impl Scope {
    pub(super) fn new(
        of: Option<&[ID]>,
        kinds: Option<Vec<NodeKind>>,
        within: Option<&ID>,
    ) -> Result<Self> {
        if of.is_some_and(|of| of.len() > MOST_IDS) {
            return Err(invalid("at most 100 ids"));
        }
        let changing = |id: &ID| {
            let id = GlobalId::decode(id).filter(|id| NodeKind::of(id).is_some());
            id.ok_or_else(|| invalid("this is not the id of anything that changes"))
        };
        let of = of.map(|of| of.iter().map(changing).collect());
        Ok(Self {
            of: of.transpose()?,
            kinds,
            within: within.map(within_of).transpose()?,
        })
    }

    pub(super) fn covers(&self, id: &GlobalId) -> bool {
        let kind = NodeKind::of(id);
        let of_kind = |kinds: &Vec<NodeKind>| kind.is_some_and(|kind| kinds.contains(&kind));
        self.of.as_ref().is_none_or(|of| of.contains(id))
            && self.kinds.as_ref().is_none_or(of_kind)
            && self.within.as_ref().is_none_or(|within| within.covers(id))
    }
}

fn within_of(id: &ID) -> Result<Within> {
    match GlobalId::decode(id) {
        Some(GlobalId::Broker(id)) => Ok(Within::Broker(id)),
        Some(GlobalId::Topic(id)) => Ok(Within::Topic(id)),
        Some(GlobalId::Algorithm(id)) => Ok(Within::Algorithm(id)),
        Some(GlobalId::Organization(name)) => Ok(Within::Organization(name)),
        _ => Err(invalid(
            "within must be the id of a broker, a topic, an algorithm or an organization",
        )),
    }
}

impl Within {
    fn covers(&self, id: &GlobalId) -> bool {
        match self {
            Self::Broker(broker) => on_broker(id) == Some(*broker),
            Self::Topic(topic) => on_topic(id, topic),
            Self::Algorithm(algorithm) => of_algorithm(id, algorithm),
            Self::Organization(name) => of_organization(id, name),
        }
    }
}

fn on_broker(id: &GlobalId) -> Option<BrokerId> {
    match id {
        GlobalId::Broker(id) => Some(*id),
        GlobalId::Topic(id) => Some(id.broker),
        GlobalId::Grant(key) => Some(key.broker),
        GlobalId::Listener(id) => Some(id.topic.broker),
        GlobalId::Publisher(id) => Some(id.topic.broker),
        _ => None,
    }
}

fn on_topic(id: &GlobalId, topic: &TopicId) -> bool {
    match id {
        GlobalId::Topic(id) => id == topic,
        GlobalId::Grant(key) => key.includes(topic),
        GlobalId::Listener(id) => id.topic == *topic,
        GlobalId::Publisher(id) => id.topic == *topic,
        _ => false,
    }
}

fn of_algorithm(id: &GlobalId, algorithm: &AlgorithmId) -> bool {
    match id {
        GlobalId::Algorithm(id) | GlobalId::Version(id, _) => id == algorithm,
        GlobalId::Grant(key) => key.permission.grantee.covers(algorithm),
        GlobalId::Listener(id) => id.algorithm == *algorithm,
        GlobalId::Publisher(id) => id.algorithm == *algorithm,
        _ => false,
    }
}

fn of_organization(id: &GlobalId, name: &OrganizationName) -> bool {
    let granted = |key: &GrantKey| match &key.permission.grantee {
        Grantee::Algorithm(grantee) => grantee.organization == *name,
        Grantee::Organization(grantee) => grantee == name,
    };
    match id {
        GlobalId::Organization(id) => id == name,
        GlobalId::Algorithm(id) | GlobalId::Version(id, _) => id.organization == *name,
        GlobalId::Grant(key) => granted(key),
        GlobalId::Listener(id) => id.algorithm.organization == *name,
        GlobalId::Publisher(id) => id.algorithm.organization == *name,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use domain::grant::Access;
    use domain::testing::{broker_id, listener_id, publisher_id, score, to_acme, topic_id};

    use super::*;

    /// One of each kind, all of one flow from `orders` to `scores` by `acme/score`.
    fn flow() -> Vec<GlobalId> {
        let main = broker_id("main");
        vec![
            GlobalId::Organization("acme".parse().unwrap()),
            GlobalId::Algorithm(score()),
            GlobalId::Version(score(), "1.0.0".parse().unwrap()),
            GlobalId::Broker(main),
            GlobalId::Topic(topic_id("orders")),
            GlobalId::Grant(GrantKey::of_pattern(
                main,
                &"ord*".parse().unwrap(),
                &to_acme(Access::Publish),
            )),
            GlobalId::Listener(listener_id("orders")),
            GlobalId::Publisher(publisher_id("scores")),
        ]
    }

    fn covered(scope: &Scope) -> Vec<NodeKind> {
        let covered = flow().into_iter().filter(|id| scope.covers(id));
        covered.filter_map(|id| NodeKind::of(&id)).collect()
    }

    fn within(id: &GlobalId) -> Vec<NodeKind> {
        covered(&Scope::new(None, None, Some(&id.encode())).unwrap())
    }

    #[test]
    fn a_scope_covers_what_belongs_to_it() {
        use NodeKind::{
            Algorithm, Broker, Grant, Listener, Organization, Publisher, Topic, Version,
        };
        let flow = flow();
        let all = [
            Organization,
            Algorithm,
            Version,
            Broker,
            Topic,
            Grant,
            Listener,
            Publisher,
        ];
        assert_eq!(covered(&Scope::default()), all);
        assert_eq!(
            within(&flow[0]),
            [Organization, Algorithm, Version, Grant, Listener, Publisher]
        );
        assert_eq!(
            within(&flow[1]),
            [Algorithm, Version, Grant, Listener, Publisher]
        );
        assert_eq!(
            within(&flow[3]),
            [Broker, Topic, Grant, Listener, Publisher]
        );
        assert_eq!(within(&flow[4]), [Topic, Grant, Listener]);
        assert_eq!(within(&GlobalId::Topic(topic_id("other"))), []);
        assert_eq!(within(&GlobalId::Algorithm("beta/x".parse().unwrap())), []);
    }

    #[test]
    fn ids_and_kinds_narrow_a_scope_together() {
        let flow = flow();
        let of = [flow[3].encode(), flow[4].encode()];
        let scope = Scope::new(
            Some(&of),
            Some(vec![NodeKind::Topic, NodeKind::Grant]),
            None,
        )
        .unwrap();
        assert_eq!(covered(&scope), [NodeKind::Topic]);
        let event = [GlobalId::Event(domain::Position(1)).encode()];
        assert!(Scope::new(Some(&event), None, None).is_err());
        let many = vec![flow[3].encode(); MOST_IDS + 1];
        assert!(Scope::new(Some(&many), None, None).is_err());
        assert!(Scope::new(None, None, Some(&flow[6].encode())).is_err());
    }
}
