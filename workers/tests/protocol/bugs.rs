//! Every rule is needed: without it the checker finds a way to break a promise.

use stateright::{Checker, HasDiscoveries, Model};

use crate::properties::{
    ALL_END, CALLS_ARE_BOUNDED, NEVER_BOTH, NEVER_TWO_OUTPUTS, NOTHING_IS_LOST,
};
use crate::protocol::Protocol;

/// A rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    SettlesBeforeDeciding,
    SettlesBeforePublishing,
    /// The position moves past messages that have not ended.
    SettlesOutOfOrder,
    PublishesBeforeDeciding,
    /// Where another decided first, what is published is not what that one recorded.
    PublishesItsOwnFinding,
    /// The last decision is the one that is recorded, not the first.
    DecidesAnew,
    /// A decision is durable before the outputs that it goes to.
    RecordsOutputsLater,
    /// A call that ends in a crash leaves no trace.
    CountsAfterTheCall,
    /// A claim keeps others from the message, whatever becomes of the one who made it.
    ClaimsExclude,
    /// Retention deletes what may come again.
    ForgetsBeyondThePosition,
    /// A message before the position whose run is deleted is taken for a new one.
    ClaimsWhatHasEnded,
    /// A run that retention deleted takes another decision.
    DecidesWhatIsForgotten,
    /// A zombie writes down its own position over a later one.
    PositionsGoBack,
}

/// Expects that a promise is broken, and prints how.
fn breaks(bug: Bug, promise: &'static str) {
    let protocol = Protocol {
        messages: 2,
        outputs: 1,
        crashes: 1,
        rebalances: 1,
        bug: Some(bug),
    };
    let checker = protocol.checker().threads(1);
    let checker = checker.finish_when(HasDiscoveries::AnyOf([promise].into()));
    let checker = checker.spawn_bfs().join();
    let Some(path) = checker.discovery(promise) else {
        panic!("{bug:?} does not break: {promise}");
    };
    eprintln!("{bug:?} breaks: {promise}");
    for action in path.into_actions() {
        eprintln!("  {action:?}");
    }
}

#[test]
fn settling_before_deciding_loses_a_message() {
    breaks(Bug::SettlesBeforeDeciding, NOTHING_IS_LOST);
}

#[test]
fn settling_before_publishing_loses_an_output() {
    breaks(Bug::SettlesBeforePublishing, NOTHING_IS_LOST);
}

#[test]
fn settling_past_an_unfinished_message_loses_it() {
    breaks(Bug::SettlesOutOfOrder, NOTHING_IS_LOST);
}

#[test]
fn publishing_before_deciding_publishes_two_things() {
    breaks(Bug::PublishesBeforeDeciding, NEVER_BOTH);
}

#[test]
fn publishing_what_was_found_and_not_what_was_recorded_publishes_two_things() {
    breaks(Bug::PublishesItsOwnFinding, NEVER_BOTH);
}

#[test]
fn deciding_without_looking_for_a_decision_publishes_two_things() {
    breaks(Bug::DecidesAnew, NEVER_BOTH);
}

#[test]
fn outputs_that_are_not_decided_with_the_result_are_lost_in_a_crash() {
    breaks(Bug::RecordsOutputsLater, NOTHING_IS_LOST);
}

#[test]
fn an_attempt_that_is_counted_after_the_call_is_made_too_often() {
    breaks(Bug::CountsAfterTheCall, CALLS_ARE_BOUNDED);
}

#[test]
fn a_claim_that_excludes_others_leaves_a_message_unfinished() {
    breaks(Bug::ClaimsExclude, ALL_END);
}

#[test]
fn retention_of_what_may_come_again_publishes_two_things() {
    breaks(Bug::ForgetsBeyondThePosition, NEVER_TWO_OUTPUTS);
}

#[test]
fn a_zombie_that_claims_what_has_ended_publishes_a_second_time() {
    breaks(Bug::ClaimsWhatHasEnded, NEVER_TWO_OUTPUTS);
}

#[test]
fn a_zombie_that_decides_what_is_forgotten_publishes_a_second_time() {
    breaks(Bug::DecidesWhatIsForgotten, NEVER_TWO_OUTPUTS);
}

#[test]
fn a_position_that_goes_back_makes_a_message_come_again() {
    breaks(Bug::PositionsGoBack, NEVER_TWO_OUTPUTS);
}
