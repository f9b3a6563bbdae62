//! What holds in every state, what every run of events comes to, and what can happen at all.

use stateright::Property;

use crate::protocol::Protocol;
use crate::steps::MOST_ATTEMPTS;
use crate::world::{Step, World};

pub(crate) const NOTHING_IS_LOST: &str = "what is settled was published or is a dead letter";
pub(crate) const NEVER_TWO_OUTPUTS: &str = "a message never has two different outputs";
pub(crate) const NEVER_BOTH: &str = "a message never has an output and a dead letter";
pub(crate) const CALLS_ARE_BOUNDED: &str = "a message is called as often as is allowed, at most";
pub(crate) const ALL_END: &str = "every message ends";
const ZOMBIE_PUBLISHES: &str = "a zombie publishes what has ended without it";
const ZOMBIE_WAKES: &str = "a zombie goes on with what has ended and is forgotten";

/// The last two guard against a model in which nothing bad is tried.
pub(crate) fn all(protocol: &Protocol) -> Vec<Property<Protocol>> {
    let mut all = vec![
        Property::always(NOTHING_IS_LOST, |_, world: &World| {
            let settled = &world.written[..world.journal.position];
            settled.iter().all(|written| written.has_ended())
        }),
        Property::always(NEVER_TWO_OUTPUTS, |_, world: &World| {
            let mut written = world.written.iter();
            written.all(|written| written.published().count_ones() <= 1)
        }),
        Property::always(NEVER_BOTH, |_, world: &World| {
            let mut written = world.written.iter();
            written.all(|written| !written.dead_letter || written.published() == 0)
        }),
        Property::always(CALLS_ARE_BOUNDED, |_, world: &World| {
            world.calls.iter().all(|calls| *calls <= MOST_ATTEMPTS)
        }),
        Property::eventually(ALL_END, |protocol: &Protocol, world: &World| {
            world.journal.position == protocol.messages
        }),
    ];
    if protocol.rebalances > 0 {
        all.push(Property::sometimes(ZOMBIE_PUBLISHES, |_, world: &World| {
            is_with_a_zombie(world, |message, step| {
                matches!(step, Step::Decided(_, 0)) && message < world.journal.position
            })
        }));
        all.push(Property::sometimes(ZOMBIE_WAKES, |_, world: &World| {
            is_with_a_zombie(world, |message, step| {
                let goes_on = matches!(step, Step::Received | Step::Invoked(_));
                let has_ended = message < world.journal.position;
                goes_on && has_ended && world.journal.runs[message].is_none()
            })
        }));
    }
    all
}

/// Whether a worker that lost the partition has come so far with a message.
fn is_with_a_zombie(world: &World, holds: impl Fn(usize, Step) -> bool) -> bool {
    let workers = world.workers.iter().enumerate();
    let mut zombies = workers.filter(|(worker, _)| *worker != world.owner);
    zombies.any(|(_, worker)| {
        let mut steps = worker.steps.iter().enumerate();
        steps.any(|(message, step)| holds(message, *step))
    })
}
