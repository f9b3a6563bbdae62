//! What the tasks need, how its presence is seen, and which Debian packages bring it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::{Prerequisite, Remedy};
use crate::postgres;
use crate::process;

/// What building the workspace takes: librdkafka and SQLite are compiled from C and C++.
pub(crate) static BUILD: &[Prerequisite] = &[
    Prerequisite {
        name: "a C compiler",
        is_there: || answers("cc", &["--version"]),
        remedy: Remedy::Packages(&["gcc"]),
    },
    Prerequisite {
        name: "the C library's headers",
        is_there: || answers("cc", &["-E", "-include", "stdio.h", "-x", "c", "/dev/null"]),
        remedy: Remedy::Packages(&["libc6-dev"]),
    },
    Prerequisite {
        name: "a C++ compiler",
        is_there: || answers("c++", &["--version"]),
        remedy: Remedy::Packages(&["g++"]),
    },
    Prerequisite {
        name: "make",
        is_there: || answers("make", &["--version"]),
        remedy: Remedy::Packages(&["make"]),
    },
    Prerequisite {
        name: "pkg-config",
        is_there: || answers("pkg-config", &["--version"]),
        remedy: Remedy::Packages(&["pkg-config"]),
    },
    Prerequisite {
        name: "OpenSSL's headers",
        is_there: || answers("pkg-config", &["--exists", "openssl"]),
        remedy: Remedy::Packages(&["libssl-dev"]),
    },
    Prerequisite {
        name: "zlib's headers",
        is_there: || answers("pkg-config", &["--exists", "zlib"]),
        remedy: Remedy::Packages(&["zlib1g-dev"]),
    },
];

/// What a real Kafka takes when it runs without a container.
pub(crate) static KAFKA: &[Prerequisite] = &[
    Prerequisite {
        name: "Java 17 or newer",
        is_there: java_is_recent,
        remedy: Remedy::Packages(&[
            "openjdk-17-jre-headless",
            "openjdk-21-jre-headless",
            "openjdk-25-jre-headless",
        ]),
    },
    Prerequisite {
        name: "Maven",
        is_there: || answers("mvn", &["--version"]),
        remedy: Remedy::Packages(&["maven"]),
    },
];

/// What a real PostgreSQL takes.
pub(crate) static POSTGRES: &[Prerequisite] = &[Prerequisite {
    name: "PostgreSQL",
    is_there: || postgres::programs().is_some() && answers("psql", &["--version"]),
    remedy: Remedy::Packages(&["postgresql"]),
}];

/// What the tools that come as wheels, and the original's client, take.
pub(crate) static TOOLS: &[Prerequisite] = &[Prerequisite {
    name: "Python 3 with virtual environments",
    is_there: || answers("python3", &["-c", "import ensurepip, venv"]),
    remedy: Remedy::Packages(&["python3-venv"]),
}];

/// What the checks of the source tree and of the documentation, those of a database's file, and the
/// faults of a disk take.
pub(crate) static CHECKS: &[Prerequisite] = &[
    Prerequisite {
        name: "curl",
        is_there: || answers("curl", &["--version"]),
        remedy: Remedy::Packages(&["curl"]),
    },
    Prerequisite {
        name: "git",
        is_there: || answers("git", &["--version"]),
        remedy: Remedy::Packages(&["git"]),
    },
    Prerequisite {
        name: "Python 3 with SQLite",
        is_there: || answers("python3", &["-c", "import sqlite3"]),
        remedy: Remedy::Packages(&["python3"]),
    },
    Prerequisite {
        name: "strace",
        is_there: || answers("strace", &["--version"]),
        remedy: Remedy::Packages(&["strace"]),
    },
    Prerequisite {
        name: "the right to trace processes that are not one's own children",
        is_there: strace_attaches,
        remedy: Remedy::Command("sudo sysctl kernel.yama.ptrace_scope=0"),
    },
];

fn answers(program: &str, arguments: &[&str]) -> bool {
    process::succeeds(process::program(program).args(arguments))
}

/// Tried on a process of its own: Ubuntu forbids it to users, and some containers forbid it to root.
fn strace_attaches() -> bool {
    let Ok(mut traced) = process::program("cat").stdin(Stdio::piped()).spawn() else {
        return false;
    };
    let id = traced.id().to_string();
    let mut strace = process::program("strace");
    strace.args(["--output", "/dev/null", "--attach", &id]);
    let strace = strace.stderr(Stdio::piped()).spawn();
    let line = strace.map(|mut strace| {
        let mut line = String::new();
        let mut lines = BufReader::new(strace.stderr.take().expect("it is piped"));
        let read = lines.read_line(&mut line);
        // The end of its input ends the traced program, and strace with it.
        drop(traced.stdin.take());
        let ended = strace.wait();
        read.and(ended).is_ok() && line.contains("attached")
    });
    drop(traced.stdin.take());
    traced.wait().is_ok() && line.unwrap_or(false)
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
