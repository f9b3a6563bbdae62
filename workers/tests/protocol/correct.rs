//! The rules are enough.

use stateright::{Checker, HasDiscoveries, Model};

use crate::protocol::Protocol;

/// Visits all states. Where a property does not hold, the way there is in the message.
fn holds(protocol: Protocol) {
    let checker = protocol.checker().threads(1);
    let checker = checker.finish_when(HasDiscoveries::AnyFailures);
    checker.spawn_bfs().join().assert_properties();
}

#[test]
fn a_message_with_two_publishers_ends_once_whatever_happens_to_its_workers() {
    holds(Protocol {
        messages: 1,
        outputs: 2,
        crashes: 3,
        rebalances: 3,
        bug: None,
    });
}

#[test]
fn messages_of_a_partition_end_once_each_over_a_crash_and_a_rebalance() {
    holds(Protocol {
        messages: 2,
        outputs: 1,
        crashes: 1,
        rebalances: 1,
        bug: None,
    });
}

#[test]
fn messages_of_a_partition_end_once_each_over_a_crash_of_their_worker() {
    holds(Protocol {
        messages: 3,
        outputs: 1,
        crashes: 1,
        rebalances: 0,
        bug: None,
    });
}
