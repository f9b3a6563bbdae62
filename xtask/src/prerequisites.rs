//! Sees to it that the programs and headers which a task needs are on the machine.

mod apt;
mod catalogue;
mod toolchain;

use crate::failure::Failure;
use apt::Apt;
pub(crate) use catalogue::{BUILD, CHECKS, KAFKA, POSTGRES};
pub(crate) use toolchain::ensure_components;

/// Something that must be there, and the Debian packages that bring it.
pub(crate) struct Prerequisite {
    name: &'static str,
    is_there: fn() -> bool,
    /// Alternatives; the first that the distribution offers is installed.
    packages: &'static [&'static str],
}

/// Installs what is missing if apt-get and the rights for it are there; otherwise fails with the
/// list of what is missing and the command that brings it.
pub(crate) fn ensure(groups: &[&'static [Prerequisite]]) -> Result<(), Failure> {
    let missing = absent(groups);
    if missing.is_empty() {
        return Ok(());
    }
    let Some(apt) = Apt::usable() else {
        return Err(Failure::new(advice(&missing)));
    };
    apt.install(&missing)?;
    let still_missing = absent(groups);
    if still_missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(advice(&still_missing)))
}

fn absent(groups: &[&'static [Prerequisite]]) -> Vec<&'static Prerequisite> {
    groups
        .iter()
        .flat_map(|group| group.iter())
        .filter(|prerequisite| !(prerequisite.is_there)())
        .collect()
}

fn advice(missing: &[&Prerequisite]) -> String {
    let packages: Vec<&str> = missing.iter().map(|one| one.packages[0]).collect();
    format!(
        "this machine lacks {}; on Debian or Ubuntu run `sudo apt-get install {}` and try again",
        names(missing),
        packages.join(" ")
    )
}

fn names(prerequisites: &[&Prerequisite]) -> String {
    let names: Vec<&str> = prerequisites.iter().map(|one| one.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    static GROUP: &[Prerequisite] = &[
        Prerequisite {
            name: "a present thing",
            is_there: || true,
            packages: &["present"],
        },
        Prerequisite {
            name: "an absent thing",
            is_there: || false,
            packages: &["absent-17", "absent-21"],
        },
    ];

    #[test]
    fn the_advice_names_what_is_missing_and_the_command_that_brings_it() {
        let advice = advice(&absent(&[GROUP]));
        assert_eq!(
            advice,
            "this machine lacks an absent thing; on Debian or Ubuntu run \
             `sudo apt-get install absent-17` and try again"
        );
    }
}
