//! The graph of flows: topics feed algorithms, algorithms publish to topics, and faulty messages go
//! from topics to dead letter queues. A cycle in it lets messages go round in a cycle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use crate::ids::{AlgorithmId, ListenerId, PublisherId, TopicId};
use crate::name::TopicName;
use crate::refusal::Refusal;

/// The flows that are known to be enabled. They are looked up before a decision: two that are
/// enabled at the same moment may close a cycle that neither of them saw; the later
/// caller gets a warning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    next: BTreeMap<Node, BTreeSet<Node>>,
}

/// One flow, in the direction that messages take.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flow {
    /// A topic feeds an algorithm.
    Listener(ListenerId),
    /// An algorithm publishes to a topic.
    Publisher(PublisherId),
    /// Faulty messages of a listener's topic go to its dead letter queue.
    DeadLetters {
        listener: ListenerId,
        dlq: TopicName,
    },
}

/// Where messages are: on a topic or in an algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Node {
    Topic(TopicId),
    Algorithm(AlgorithmId),
}

/// A path that leads back to where it began. Each node leads to the next, and the last to the
/// first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(Vec<Node>);

impl Flows {
    /// The cycle that `flow` closes or would close, if it does: a shortest one.
    #[must_use]
    pub fn cycle(&self, flow: &Flow) -> Option<Cycle> {
        let (from, to) = (flow.from(), flow.to());
        let mut came_from: BTreeMap<&Node, &Node> = BTreeMap::new();
        let mut waiting = VecDeque::from([&to]);
        while let Some(node) = waiting.pop_front() {
            if *node == from {
                return Some(Cycle::of(node, &came_from));
            }
            for next in self.next.get(node).into_iter().flatten() {
                if *next != to && !came_from.contains_key(next) {
                    came_from.insert(next, node);
                    waiting.push_back(next);
                }
            }
        }
        None
    }

    /// Refuses a flow that closes a cycle, unless that is allowed.
    pub(crate) fn check(&self, flow: &Flow, allow_cycle: bool) -> Result<(), Refusal> {
        match self.cycle(flow) {
            Some(path) if !allow_cycle => Err(Refusal::FlowCycle { path }),
            _ => Ok(()),
        }
    }
}

impl Extend<Flow> for Flows {
    fn extend<T: IntoIterator<Item = Flow>>(&mut self, flows: T) {
        for flow in flows {
            self.next.entry(flow.from()).or_default().insert(flow.to());
        }
    }
}

impl FromIterator<Flow> for Flows {
    fn from_iter<T: IntoIterator<Item = Flow>>(flows: T) -> Self {
        let mut known = Self::default();
        known.extend(flows);
        known
    }
}

impl Flow {
    /// What a listener is or would be: the flow from its topic to its algorithm, and the one to its
    /// dead letter queue.
    pub fn of_listener<'a>(
        listener: &'a ListenerId,
        dlq: Option<&'a TopicName>,
    ) -> impl Iterator<Item = Self> + 'a {
        let dead_letters = dlq.map(|dlq| Self::DeadLetters {
            listener: listener.clone(),
            dlq: dlq.clone(),
        });
        std::iter::once(Self::Listener(listener.clone())).chain(dead_letters)
    }

    /// Where messages come from.
    #[must_use]
    pub fn from(&self) -> Node {
        match self {
            Self::Listener(listener) | Self::DeadLetters { listener, .. } => {
                Node::Topic(listener.topic.clone())
            }
            Self::Publisher(publisher) => Node::Algorithm(publisher.algorithm.clone()),
        }
    }

    /// Where messages go.
    #[must_use]
    pub fn to(&self) -> Node {
        match self {
            Self::Listener(listener) => Node::Algorithm(listener.algorithm.clone()),
            Self::Publisher(publisher) => Node::Topic(publisher.topic.clone()),
            Self::DeadLetters { listener, dlq } => Node::Topic(listener.topic.sibling(dlq)),
        }
    }
}

impl Cycle {
    /// The nodes, each once.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.0
    }

    /// The way that ends at `last`, from where each node was reached.
    fn of<'a>(last: &'a Node, came_from: &BTreeMap<&'a Node, &'a Node>) -> Self {
        let back = std::iter::successors(Some(last), |node| came_from.get(node).copied());
        let mut nodes: Vec<Node> = back.cloned().collect();
        nodes.reverse();
        // It reads best from the end that the flow leaves: the topic or algorithm at hand.
        nodes.rotate_right(1);
        Self(nodes)
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for node in &self.0 {
            write!(f, "{node} → ")?;
        }
        self.0.first().map_or(Ok(()), |first| first.fmt(f))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic(topic) => topic.topic.fmt(f),
            Self::Algorithm(algorithm) => algorithm.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{listener_of, publisher_of};

    fn reads(topic: usize, algorithm: usize) -> ListenerId {
        listener_of(&format!("acme/a{algorithm}"), &format!("t{topic}"))
    }

    fn listener(topic: usize, algorithm: usize) -> Flow {
        Flow::Listener(reads(topic, algorithm))
    }

    fn dead_letters(topic: usize, algorithm: usize, dlq: usize) -> Flow {
        Flow::DeadLetters {
            listener: reads(topic, algorithm),
            dlq: format!("t{dlq}").parse().unwrap(),
        }
    }

    fn publisher(algorithm: usize, topic: usize) -> Flow {
        Flow::Publisher(publisher_of(
            &format!("acme/a{algorithm}"),
            &format!("t{topic}"),
        ))
    }

    #[test]
    fn an_algorithm_that_consumes_what_it_publishes_is_a_cycle() {
        let flows = Flows::from_iter([publisher(0, 0)]);
        let cycle = flows.cycle(&listener(0, 0)).unwrap();
        assert_eq!(cycle.to_string(), "t0 → acme/a0 → t0");
        let flows = Flows::from_iter([listener(0, 0)]);
        let cycle = flows.cycle(&publisher(0, 0)).unwrap();
        assert_eq!(cycle.to_string(), "acme/a0 → t0 → acme/a0");
    }

    #[test]
    fn a_cycle_through_other_algorithms_is_told_by_its_shortest_way() {
        let flows = Flows::from_iter([
            publisher(0, 1),
            listener(1, 1),
            publisher(1, 2),
            listener(2, 2),
            publisher(2, 0),
            publisher(1, 0),
        ]);
        let cycle = flows.cycle(&listener(0, 0)).unwrap();
        assert_eq!(cycle.to_string(), "t0 → acme/a0 → t1 → acme/a1 → t0");
    }

    #[test]
    fn a_topic_whose_dead_letters_come_back_to_it_is_a_cycle() {
        let flows = Flows::from_iter([listener(1, 1), dead_letters(1, 1, 0)]);
        let cycle = flows.cycle(&dead_letters(0, 0, 1)).unwrap();
        assert_eq!(cycle.to_string(), "t0 → t1 → t0");
        let flows = Flows::from_iter([listener(1, 1), publisher(1, 0)]);
        let cycle = flows.cycle(&dead_letters(0, 0, 1)).unwrap();
        assert_eq!(cycle.to_string(), "t0 → t1 → acme/a1 → t0");
    }

    #[test]
    fn a_chain_and_a_diamond_are_no_cycles() {
        let flows = Flows::from_iter([
            listener(0, 0),
            publisher(0, 1),
            publisher(0, 2),
            listener(1, 1),
            listener(2, 1),
        ]);
        assert_eq!(flows.cycle(&publisher(1, 3)), None);
    }

    /// Any flows among a few topics and algorithms.
    fn flows() -> impl Strategy<Value = Vec<Flow>> {
        let flow = (0..3, 0_usize..6, 0_usize..6).prop_map(|(kind, a, b)| match kind {
            0 => listener(a, b),
            1 => publisher(a, b),
            _ => dead_letters(a, 0, b),
        });
        proptest::collection::vec(flow, 0..24)
    }

    /// Flows that only ever lead from lower to higher numbers.
    fn falling() -> impl Strategy<Value = Vec<Flow>> {
        let flow = (0..3, 0_usize..6, 0_usize..6).prop_map(|(kind, a, b)| {
            let (low, high) = (a.min(b), a.max(b));
            match kind {
                0 => listener(low, high),
                1 => publisher(low, high + 1),
                _ => dead_letters(low, 0, high + 1),
            }
        });
        proptest::collection::vec(flow, 1..24)
    }

    /// Whether `from` is reached from `to`, by closing the relation step by step.
    fn leads_back(flows: &[Flow], flow: &Flow) -> bool {
        let mut reached = BTreeSet::from([flow.to()]);
        for _ in 0..flows.len() {
            let more: Vec<Node> = flows
                .iter()
                .filter(|flow| reached.contains(&flow.from()))
                .map(Flow::to)
                .collect();
            reached.extend(more);
        }
        reached.contains(&flow.from())
    }

    proptest! {
        #[test]
        fn what_is_found_is_a_cycle_and_none_is_missed(known in flows(), new in flows()) {
            let graph = Flows::from_iter(known.clone());
            for flow in &new {
                let found = graph.cycle(flow);
                prop_assert_eq!(found.is_some(), leads_back(&known, flow));
                let Some(cycle) = found else { continue };
                let nodes = cycle.nodes();
                let once: BTreeSet<&Node> = nodes.iter().collect();
                prop_assert_eq!(once.len(), nodes.len());
                let edges = known.iter().chain([flow]);
                let edges: BTreeSet<(Node, Node)> =
                    edges.map(|edge| (edge.from(), edge.to())).collect();
                prop_assert_eq!(&flow.from(), &nodes[0]);
                for (index, node) in nodes.iter().enumerate() {
                    let next = nodes[(index + 1) % nodes.len()].clone();
                    prop_assert!(edges.contains(&(node.clone(), next)));
                }
            }
        }

        #[test]
        fn flows_that_only_fall_have_no_cycle(all in falling()) {
            let (last, known) = all.split_last().unwrap();
            prop_assert_eq!(Flows::from_iter(known.to_vec()).cycle(last), None);
        }
    }
}
