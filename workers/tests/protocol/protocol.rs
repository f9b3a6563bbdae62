//! What may happen in a state, and what it leads to.

use stateright::{Model, Property};

use crate::action::{Action, Answer, At};
use crate::bugs::Bug;
use crate::properties;
use crate::world::{Journal, Step, Worker, World, Written};

const WORKERS: usize = 2;

/// How much of everything there is, and which rule is broken.
#[derive(Clone, Debug)]
pub(crate) struct Protocol {
    pub(crate) messages: usize,
    /// Publishers of the results.
    pub(crate) outputs: usize,
    pub(crate) crashes: u8,
    pub(crate) rebalances: u8,
    pub(crate) bug: Option<Bug>,
}

impl Protocol {
    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// What a worker may do with a message.
    fn steps(&self, world: &World, at: At, actions: &mut Vec<Action>) {
        let worker = &world.workers[at.worker];
        match worker.steps[at.message] {
            Step::Idle if world.owner == at.worker && at.message >= worker.from => {
                actions.push(Action::Receive(at));
            }
            Step::Idle | Step::Settled => {}
            Step::Received if self.is_excluded(world, at) => {}
            Step::Received => actions.push(Action::Claim(at)),
            Step::Claimed => {
                actions.extend([Answer::Good, Answer::Bad].map(|a| Action::Invoke(at, a)));
            }
            Step::Invoked(_) => {
                actions.push(Action::Decide(at));
                if self.has(Bug::SettlesBeforeDeciding) {
                    actions.push(Action::Settle(at));
                }
            }
            Step::Decided(_, open) => {
                let outputs = (0..self.outputs).filter(|output| open & (1 << output) != 0);
                actions.extend(outputs.map(|output| Action::Publish(at, output)));
                if open == 0 || self.has(Bug::SettlesBeforePublishing) {
                    actions.push(Action::Settle(at));
                }
            }
        }
    }

    /// Whether a claim that another may have made keeps this one from being made.
    fn is_excluded(&self, world: &World, at: At) -> bool {
        let run = world.journal.runs[at.message].as_ref();
        self.has(Bug::ClaimsExclude) && run.is_some_and(|run| run.decision.is_none())
    }

    /// Whether retention may delete the run of a message.
    fn may_be_forgotten(&self, world: &World, message: usize) -> bool {
        let Some(run) = &world.journal.runs[message] else {
            return false;
        };
        let cannot_come_again = message < world.journal.position;
        let has_ended = run.decision.is_some() && run.open == 0;
        has_ended && (cannot_come_again || self.has(Bug::ForgetsBeyondThePosition))
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let written = Written {
            results: vec![0; self.outputs],
            dead_letter: false,
        };
        vec![World {
            journal: Journal {
                runs: vec![None; self.messages],
                position: 0,
            },
            written: vec![written; self.messages],
            calls: vec![0; self.messages],
            workers: vec![Worker::new(self.messages, 0); WORKERS],
            owner: 0,
            crashes: self.crashes,
            rebalances: self.rebalances,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for worker in 0..WORKERS {
            for message in 0..self.messages {
                self.steps(world, At { worker, message }, actions);
            }
            let mut steps = world.workers[worker].steps.iter();
            if world.crashes > 0 && steps.any(|step| *step != Step::Idle) {
                actions.push(Action::Crash(worker));
            }
        }
        let forgotten = (0..self.messages).filter(|message| self.may_be_forgotten(world, *message));
        actions.extend(forgotten.map(Action::Forget));
        if world.rebalances > 0 && world.journal.position < self.messages {
            actions.push(Action::Rebalance);
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        self.apply(&mut next, action);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}
