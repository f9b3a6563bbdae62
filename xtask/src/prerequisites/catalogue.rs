//! What the tasks need, how its presence is seen, and which Debian packages bring it.

use std::process::Command;

use super::Prerequisite;
use crate::postgres;
use crate::process;

/// What building the workspace takes: librdkafka and SQLite are compiled from C and C++.
pub(crate) static BUILD: &[Prerequisite] = &[
    Prerequisite {
        name: "a C compiler",
        is_there: || answers("cc", &["--version"]),
        packages: &["gcc"],
    },
    Prerequisite {
        name: "the C library's headers",
        is_there: || answers("cc", &["-E", "-include", "stdio.h", "-x", "c", "/dev/null"]),
        packages: &["libc6-dev"],
    },
    Prerequisite {
        name: "a C++ compiler",
        is_there: || answers("c++", &["--version"]),
        packages: &["g++"],
    },
    Prerequisite {
        name: "make",
        is_there: || answers("make", &["--version"]),
        packages: &["make"],
    },
    Prerequisite {
        name: "pkg-config",
        is_there: || answers("pkg-config", &["--version"]),
        packages: &["pkg-config"],
    },
    Prerequisite {
        name: "OpenSSL's headers",
        is_there: || answers("pkg-config", &["--exists", "openssl"]),
        packages: &["libssl-dev"],
    },
    Prerequisite {
        name: "zlib's headers",
        is_there: || answers("pkg-config", &["--exists", "zlib"]),
        packages: &["zlib1g-dev"],
    },
];

/// What a real Kafka takes when it runs without a container.
pub(crate) static KAFKA: &[Prerequisite] = &[
    Prerequisite {
        name: "Java 17 or newer",
        is_there: java_is_recent,
        packages: &[
            "openjdk-17-jre-headless",
            "openjdk-21-jre-headless",
            "openjdk-25-jre-headless",
        ],
    },
    Prerequisite {
        name: "Maven",
        is_there: || answers("mvn", &["--version"]),
        packages: &["maven"],
    },
];

/// What a real PostgreSQL takes.
pub(crate) static POSTGRES: &[Prerequisite] = &[Prerequisite {
    name: "PostgreSQL",
    is_there: || postgres::programs().is_some() && answers("psql", &["--version"]),
    packages: &["postgresql"],
}];

/// What the checks of the source tree, those of a database's file, the faults of a disk, and the
/// original's client take.
pub(crate) static CHECKS: &[Prerequisite] = &[
    Prerequisite {
        name: "git",
        is_there: || answers("git", &["--version"]),
        packages: &["git"],
    },
    Prerequisite {
        name: "Python 3 with SQLite",
        is_there: || answers("python3", &["-c", "import sqlite3"]),
        packages: &["python3"],
    },
    Prerequisite {
        name: "Python 3 with virtual environments",
        is_there: || answers("python3", &["-c", "import ensurepip, venv"]),
        packages: &["python3-venv"],
    },
    Prerequisite {
        name: "strace",
        is_there: || answers("strace", &["--version"]),
        packages: &["strace"],
    },
];

fn answers(program: &str, arguments: &[&str]) -> bool {
    process::succeeds(process::program(program).args(arguments))
}

fn java_is_recent() -> bool {
    let output = Command::new("java").arg("-version").output();
    // Java prints its version where others print complaints.
    output.is_ok_and(|output| {
        java_major(&String::from_utf8_lossy(&output.stderr)).is_some_and(|major| major >= 17)
    })
}

/// The major number in `openjdk version "17.0.15" 2025-04-15`; Java 8 calls itself 1.8.
fn java_major(banner: &str) -> Option<u32> {
    let (_, quoted) = banner.split_once("version \"")?;
    let digits = quoted.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::java_major;

    #[test]
    fn javas_major_version_is_read_from_its_banner() {
        let modern = "Picked up JAVA_TOOL_OPTIONS: -Dx\nopenjdk version \"17.0.15\" 2025-04-15\n";
        assert_eq!(java_major(modern), Some(17));
        assert_eq!(java_major("openjdk version \"25-ea\" 2025-09-16"), Some(25));
        assert_eq!(java_major("java version \"1.8.0_402\""), Some(1));
        assert_eq!(java_major("command not found"), None);
    }
}
