//! What somebody must be permitted to do, and whether they are.

use crate::envelope::Actor;
use crate::ids::WorkerId;
use crate::name::OrganizationName;
use crate::refusal::Refusal;

/// The right that a command requires of its caller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// Connect, test, replace and disconnect brokers, grant topics, create organizations: cluster
    /// administrators.
    AdministerCluster,
    /// Add and remove members and change their roles: the organization's owners.
    ManageMembers(OrganizationName),
    /// Register, publish, withdraw and retire, enable and change listeners and publishers: the
    /// organization's owners and members.
    Develop(OrganizationName),
    /// Stop a listener or a publisher: the organization's owners and members, and cluster
    /// administrators.
    StopFlows(OrganizationName),
    /// Read what is kept of messages and answers: the organization's owners and members. Not what
    /// executors and the cluster's auditors may do by reading everything else.
    ReadPayloads(OrganizationName),
    /// Report what a worker did: that worker.
    Report(WorkerId),
    /// Answer an event: policies.
    Answer,
    /// Each of them.
    All(Vec<Right>),
}

/// Refuses what `actor` may not do. Every command is asked about here, and nowhere else; until
/// users have identities, everybody may do everything.
///
/// # Errors
/// None so far.
#[expect(
    clippy::only_used_in_recursion,
    reason = "nobody is looked at until users have identities"
)]
pub fn check(actor: &Actor, right: &Right) -> Result<(), Refusal> {
    match right {
        Right::All(rights) => rights.iter().try_for_each(|right| check(actor, right)),
        Right::AdministerCluster
        | Right::ManageMembers(_)
        | Right::Develop(_)
        | Right::StopFlows(_)
        | Right::ReadPayloads(_)
        | Right::Report(_)
        | Right::Answer => Ok(()),
    }
}
