//! What a state of the model holds: the journal, the topics, and what workers remember.

/// Outputs, a bit each. The only output of a dead letter is the dead letter queue.
pub(crate) type Outputs = u8;

/// What a call found, and what is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Found {
    /// The result of the call with that number: no two calls of a message answer alike.
    Result(u8),
    Faulty,
}

/// How far a worker has come with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Idle,
    Received,
    Claimed,
    Invoked(Found),
    /// With the outputs that are still to be published.
    Decided(Found, Outputs),
    Settled,
}

/// What a worker remembers until it crashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Worker {
    /// By message.
    pub(crate) steps: Vec<Step>,
    /// Where it began to read.
    pub(crate) from: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Run {
    pub(crate) attempts: u8,
    pub(crate) decision: Option<Found>,
    /// The outputs that are not known to be published.
    pub(crate) open: Outputs,
}

/// What outlives every crash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Journal {
    /// By message; none before it is claimed, and none after retention.
    pub(crate) runs: Vec<Option<Run>>,
    /// The first message that has not ended.
    pub(crate) position: usize,
}

/// What readers of the topics see of one message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Written {
    /// By output: the calls whose results are there, a bit each.
    pub(crate) results: Vec<u8>,
    pub(crate) dead_letter: bool,
}

/// One partition, its messages and all who handle them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) journal: Journal,
    /// By message.
    pub(crate) written: Vec<Written>,
    /// How often each message was called.
    pub(crate) calls: Vec<u8>,
    pub(crate) workers: Vec<Worker>,
    /// The worker that the partition is assigned to. Another that still handles its messages is a
    /// zombie.
    pub(crate) owner: usize,
    /// Crashes and rebalances that may still happen.
    pub(crate) crashes: u8,
    pub(crate) rebalances: u8,
}

impl Worker {
    pub(crate) fn new(messages: usize, from: usize) -> Self {
        let steps = vec![Step::Idle; messages];
        Self { steps, from }
    }

    /// The first message from its beginning on that it has not settled.
    pub(crate) fn unfinished(&self) -> usize {
        let unfinished = |message: &usize| self.steps[*message] != Step::Settled;
        (self.from..self.steps.len())
            .find(unfinished)
            .unwrap_or(self.steps.len())
    }
}

impl Written {
    /// The calls whose results are in any of the topics, a bit each.
    pub(crate) fn published(&self) -> u8 {
        self.results.iter().fold(0, |all, results| all | results)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.dead_letter || self.results.iter().all(|results| *results != 0)
    }
}
