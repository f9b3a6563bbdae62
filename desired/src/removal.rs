//! How much an apply may remove.
//!
//! Half a file is valid YAML, and so is one team's part of a cluster: pruned by it, the rest is
//! gone. Retired algorithms and withdrawn versions never come back. So removals are counted before
//! anything is changed, and many of them need their number in the command.

/// What is removed of what no document names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prune {
    /// Nothing.
    No,
    /// Everything, up to a tenth of what there is: somebody watches.
    Attended,
    /// Nothing yet: nobody watches, and no number was given.
    Unattended,
    /// Everything, up to that many things.
    AtMost(usize),
}

/// More would be removed than was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this would remove {removals} of {removable} things, {reason}. To remove them, use \
     `--prune={removals}`. Pruning covers the whole cluster: everything that no document names is \
     removed"
)]
pub struct TooManyRemovals {
    removals: usize,
    removable: usize,
    reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("more than a tenth")]
    Share,
    #[error("and no terminal is attached")]
    Unattended,
    #[error("more than the {0} that `--prune` allows")]
    Limit(usize),
}

impl Prune {
    /// Whether what no document names is to be removed.
    pub(crate) fn removes(self) -> bool {
        self != Self::No
    }

    /// Whether so many of so many things may be removed.
    ///
    /// # Errors
    /// They are too many.
    pub(crate) fn check(self, removals: usize, removable: usize) -> Result<(), TooManyRemovals> {
        let reason = match self {
            Self::Attended if removals > removable / 10 => Reason::Share,
            Self::Unattended if removals > 0 => Reason::Unattended,
            Self::AtMost(limit) if removals > limit => Reason::Limit(limit),
            Self::No | Self::Attended | Self::Unattended | Self::AtMost(_) => return Ok(()),
        };
        Err(TooManyRemovals {
            removals,
            removable,
            reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_removals_need_a_witness_and_many_a_number() {
        for (prune, removals, allowed) in [
            (Prune::No, 0, true),
            (Prune::Attended, 0, true),
            (Prune::Attended, 20, true),
            (Prune::Attended, 21, false),
            (Prune::Unattended, 0, true),
            (Prune::Unattended, 1, false),
            (Prune::AtMost(150), 150, true),
            (Prune::AtMost(150), 151, false),
            (Prune::AtMost(0), 0, true),
        ] {
            let checked = prune.check(removals, 200);
            assert_eq!(checked.is_ok(), allowed, "{prune:?} {removals}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_type_and_what_pruning_covers() {
        let refused = Prune::AtMost(7).check(150, 200).unwrap_err().to_string();
        for part in [
            "150 of 200",
            "more than the 7",
            "`--prune=150`",
            "whole cluster",
        ] {
            assert!(refused.contains(part), "{refused}");
        }
    }
}
