//! Sees to it that the programs and headers which a task needs are on the machine.

mod apt;
mod catalogue;
mod toolchain;

use crate::failure::Failure;
use apt::Apt;
pub(crate) use catalogue::{BUILD, CHECKS, KAFKA, POSTGRES, TOOLS};
pub(crate) use toolchain::{Lints, ensure_components, lints};

/// Something that must be there, and what brings it.
pub(crate) struct Prerequisite {
    name: &'static str,
    is_there: fn() -> bool,
    remedy: Remedy,
}

pub(crate) enum Remedy {
    /// Debian packages, alternatives; the first that the distribution offers is installed.
    Packages(&'static [&'static str]),
    /// What only a person decides to do.
    Command(&'static str),
}

impl Prerequisite {
    fn packages(&self) -> Option<&'static [&'static str]> {
        match self.remedy {
            Remedy::Packages(packages) => Some(packages),
            Remedy::Command(_) => None,
        }
    }
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
    let packages = missing.iter().filter_map(|one| one.packages());
    let packages: Vec<&str> = packages.map(|alternatives| alternatives[0]).collect();
    let install =
        (!packages.is_empty()).then(|| format!("`sudo apt-get install {}`", packages.join(" ")));
    let commands = missing.iter().filter_map(|one| match one.remedy {
        Remedy::Packages(_) => None,
        Remedy::Command(command) => Some(format!("`{command}`")),
    });
    let steps: Vec<String> = install.into_iter().chain(commands).collect();
    format!(
        "this machine lacks {}; on Debian or Ubuntu run {} and try again",
        names(missing),
        steps.join(", ")
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
            remedy: Remedy::Packages(&["present"]),
        },
        Prerequisite {
            name: "an absent thing",
            is_there: || false,
            remedy: Remedy::Packages(&["absent-17", "absent-21"]),
        },
        Prerequisite {
            name: "an absent right",
            is_there: || false,
            remedy: Remedy::Command("sudo permit it"),
        },
    ];

    #[test]
    fn the_advice_names_what_is_missing_and_the_command_that_brings_it() {
        let advice = advice(&absent(&[GROUP]));
        assert_eq!(
            advice,
            "this machine lacks an absent thing, an absent right; on Debian or Ubuntu run \
             `sudo apt-get install absent-17`, `sudo permit it` and try again"
        );
    }
}
