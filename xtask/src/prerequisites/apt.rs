//! Installs Debian packages, where the distribution and the rights of the user allow it.

use std::process::Command;

use super::{Prerequisite, names};
use crate::failure::Failure;
use crate::process;

/// apt-get, run as root or through a sudo that asks for no password.
pub(super) struct Apt {
    through_sudo: bool,
}

impl Apt {
    /// Absent where there is no apt-get or no right to use it.
    pub(super) fn usable() -> Option<Self> {
        if !process::succeeds(process::program("apt-get").arg("--version")) {
            return None;
        }
        if process::is_root() {
            return Some(Self {
                through_sudo: false,
            });
        }
        let sudo_is_free = process::succeeds(process::program("sudo").args(["-n", "true"]));
        sudo_is_free.then_some(Self { through_sudo: true })
    }

    pub(super) fn install(&self, missing: &[&Prerequisite]) -> Result<(), Failure> {
        eprintln!("this machine lacks {}", names(missing));
        eprintln!("asking apt-get for its package lists");
        if let Err(failure) = process::run(self.apt_get().args(["update", "-q"])) {
            // One broken source among several must not stop what the others can bring.
            eprintln!("{failure}; going on with the lists that are there");
        }
        let packages = missing.iter().filter_map(|one| one.packages());
        let packages: Vec<&str> = packages
            .map(|alternatives| preferred(alternatives, is_offered))
            .collect();
        if packages.is_empty() {
            return Ok(());
        }
        eprintln!("installing {}", packages.join(" "));
        let mut install = self.apt_get();
        install.args(["install", "-q", "-y", "--no-install-recommends"]);
        process::run(install.args(packages))
    }

    fn apt_get(&self) -> Command {
        let mut command = if self.through_sudo {
            let mut sudo = process::program("sudo");
            sudo.args(["-n", "env"]);
            sudo
        } else {
            process::program("env")
        };
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command
    }
}

/// The first package that is offered; the first at all when none is, so that apt-get says so.
fn preferred(packages: &[&'static str], is_offered: impl Fn(&str) -> bool) -> &'static str {
    let offered = packages.iter().find(|package| is_offered(package));
    offered.unwrap_or(&packages[0])
}

fn is_offered(package: &str) -> bool {
    process::succeeds(process::program("apt-cache").args(["show", package]))
}

#[cfg(test)]
mod tests {
    use super::preferred;

    #[test]
    fn a_distribution_without_the_first_package_gets_the_next() {
        let packages = ["java-17", "java-21"];
        assert_eq!(preferred(&packages, |_| true), "java-17");
        assert_eq!(preferred(&packages, |one| one == "java-21"), "java-21");
        assert_eq!(preferred(&packages, |_| false), "java-17");
    }
}
