//! The rules of each step.

use crate::action::{Action, Answer, At};
use crate::bugs::Bug;
use crate::protocol::Protocol;
use crate::world::{Found, Outputs, Run, Step, Worker, World};

/// Calls of one message at most.
pub(crate) const MOST_ATTEMPTS: u8 = 2;

impl Protocol {
    pub(crate) fn apply(&self, world: &mut World, action: Action) {
        match action {
            Action::Receive(at) => set(world, at, Step::Received),
            Action::Claim(at) => self.claim(world, at),
            Action::Invoke(at, answer) => self.invoke(world, at, answer),
            Action::Decide(at) => self.decide(world, at),
            Action::Publish(at, output) => publish(world, at, output),
            Action::Settle(at) => self.settle(world, at),
            Action::Forget(message) => world.journal.runs[message] = None,
            Action::Crash(worker) => {
                world.crashes -= 1;
                world.workers[worker] = Worker::new(self.messages, world.journal.position);
            }
            Action::Rebalance => rebalance(world),
        }
    }

    /// Counts the attempt before the call, or finds what is known of the message.
    fn claim(&self, world: &mut World, at: At) {
        let counted = u8::from(!self.has(Bug::CountsAfterTheCall));
        let has_ended = at.message < world.journal.position && !self.has(Bug::ClaimsWhatHasEnded);
        let run = &mut world.journal.runs[at.message];
        let step = match run {
            None if has_ended => return self.end(world, at),
            None => {
                *run = Some(Run {
                    attempts: counted,
                    decision: None,
                    open: 0,
                });
                Step::Claimed
            }
            Some(run) => match run.decision {
                Some(decision) => Step::Decided(decision, run.open),
                None if run.attempts >= MOST_ATTEMPTS => Step::Invoked(Found::Faulty),
                None => {
                    run.attempts += counted;
                    Step::Claimed
                }
            },
        };
        set(world, at, step);
    }

    fn invoke(&self, world: &mut World, at: At, answer: Answer) {
        let calls = &mut world.calls[at.message];
        *calls += 1;
        let found = match answer {
            Answer::Good => Found::Result(*calls),
            Answer::Bad => Found::Faulty,
        };
        if self.has(Bug::PublishesBeforeDeciding) {
            for output in 0..self.outputs {
                write(world, at.message, found, output);
            }
        }
        set(world, at, Step::Invoked(found));
    }

    /// Records the first decision with its outputs, and takes that of the one who was first.
    fn decide(&self, world: &mut World, at: At) {
        let Step::Invoked(found) = step(world, at) else {
            return;
        };
        let outputs = self.outputs_of(found);
        let run = &mut world.journal.runs[at.message];
        if run.is_none() && !self.has(Bug::DecidesWhatIsForgotten) {
            return self.end(world, at);
        }
        let run = run.get_or_insert(Run {
            attempts: 1,
            decision: None,
            open: 0,
        });
        run.attempts += u8::from(self.has(Bug::CountsAfterTheCall));
        let decided = match run.decision {
            Some(earlier) if !self.has(Bug::DecidesAnew) => Step::Decided(earlier, run.open),
            Some(_) | None => {
                run.decision = Some(found);
                let are_recorded = !self.has(Bug::RecordsOutputsLater);
                run.open = if are_recorded { outputs } else { 0 };
                Step::Decided(found, outputs)
            }
        };
        let publishes_its_own = self.has(Bug::PublishesItsOwnFinding);
        let own = Step::Decided(found, outputs);
        set(world, at, if publishes_its_own { own } else { decided });
    }

    fn settle(&self, world: &mut World, at: At) {
        if let Some(run) = &mut world.journal.runs[at.message] {
            run.open = 0;
        }
        self.end(world, at);
    }

    /// The message has ended for this worker: its position moves up to the first that has not.
    fn end(&self, world: &mut World, at: At) {
        set(world, at, Step::Settled);
        let unfinished = world.workers[at.worker].unfinished();
        let position = &mut world.journal.position;
        *position = match self.bug {
            Some(Bug::SettlesOutOfOrder) => (*position).max(at.message + 1),
            Some(Bug::PositionsGoBack) => unfinished,
            Some(_) | None => (*position).max(unfinished),
        };
    }

    fn outputs_of(&self, found: Found) -> Outputs {
        match found {
            Found::Result(_) => (1 << self.outputs) - 1,
            Found::Faulty => 1,
        }
    }
}

fn publish(world: &mut World, at: At, output: usize) {
    if let Step::Decided(decision, open) = step(world, at) {
        write(world, at.message, decision, output);
        set(world, at, Step::Decided(decision, open & !(1 << output)));
    }
}

fn write(world: &mut World, message: usize, found: Found, output: usize) {
    let written = &mut world.written[message];
    match found {
        Found::Result(call) => written.results[output] |= 1 << (call - 1),
        Found::Faulty => written.dead_letter = true,
    }
}

/// The one who gets the partition reads it from the journal's position. What it still has in hand
/// from before goes on, as it does with the one who had it.
fn rebalance(world: &mut World) {
    world.rebalances -= 1;
    world.owner = (world.owner + 1) % world.workers.len();
    let worker = &mut world.workers[world.owner];
    worker.from = world.journal.position;
    for step in &mut worker.steps {
        if *step == Step::Settled {
            *step = Step::Idle;
        }
    }
}

fn step(world: &World, at: At) -> Step {
    world.workers[at.worker].steps[at.message]
}

fn set(world: &mut World, at: At, step: Step) {
    world.workers[at.worker].steps[at.message] = step;
}
