//! Keeps a server running exactly as long as xtask, however xtask ends.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::{Doing, Failure};

/// From the start to the first answer; usually two or three seconds.
const READY_WITHIN: Duration = Duration::from_secs(60);
const POLL_EVERY: Duration = Duration::from_millis(100);
const LOG_TAIL_LINES: usize = 30;

/// Where the server's output goes, in its run directory.
const LOG: &str = "server.log";

/// A running server. It ends with this value, and also when xtask is killed.
pub(crate) struct Server {
    name: &'static str,
    keeper: Child,
    /// Dropped after the keeper has ended.
    run_directory: RunDirectory,
}

impl Server {
    /// Starts `command` in the home of `run_directory`. `signal` ends it.
    pub(crate) fn start(
        name: &'static str,
        run_directory: RunDirectory,
        signal: &str,
        command: &[&str],
    ) -> Result<Self, Failure> {
        Ok(Self {
            name,
            keeper: spawn(&run_directory, signal, command)?,
            run_directory,
        })
    }

    /// Waits until it `is_ready`; fails with the end of its log.
    pub(crate) fn wait_until(&mut self, is_ready: impl Fn() -> bool) -> Result<(), Failure> {
        let started = Instant::now();
        let name = self.name;
        loop {
            if is_ready() {
                return Ok(());
            }
            let ended = self.keeper.try_wait().doing(|| format!("watch {name}"))?;
            if let Some(status) = ended {
                return Err(self.failed_start(&format!("{name} ended by itself ({status})")));
            }
            if started.elapsed() > READY_WITHIN {
                let seconds = READY_WITHIN.as_secs();
                return Err(self.failed_start(&format!("{name} gave no answer in {seconds} s")));
            }
            std::thread::sleep(POLL_EVERY);
        }
    }

    fn failed_start(&self, what: &str) -> Failure {
        let log = fs::read_to_string(self.run_directory.path().join(LOG)).unwrap_or_default();
        Failure::new(format!("{what}; its log ends with:\n{}", tail(&log)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!("cannot see the end of {}: {error}", self.name);
        }
    }
}

/// Configuration, storage and log of one server, a folder of its home, removed with this value.
pub(crate) struct RunDirectory {
    home: PathBuf,
    name: String,
}

impl RunDirectory {
    pub(crate) fn create(home: &Path, name: &str) -> Result<Self, Failure> {
        let directory = Self {
            home: home.to_owned(),
            name: name.to_owned(),
        };
        let path = directory.path();
        fs::create_dir_all(&path).doing(|| format!("create {}", path.display()))?;
        Ok(directory)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.home.join(&self.name)
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        // The keeper has removed it already, unless the server had ended by itself.
        let path = self.path();
        if path.exists()
            && let Err(error) = fs::remove_dir_all(&path)
        {
            eprintln!("cannot remove {}: {error}", path.display());
        }
    }
}

/// All are held at once, so that they differ.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N], Failure> {
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).doing(|| "find a free port".to_owned())?;
        let address = listener.local_addr();
        *port = address.doing(|| "find a free port".to_owned())?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Starts `command` under a shell that ends it and removes the run directory once the child's
/// standard input closes. A server that ends by itself ends the child too, and leaves its log.
fn spawn(run: &RunDirectory, signal: &str, command: &[&str]) -> Result<Child, Failure> {
    let mut shell = Command::new("sh");
    shell.current_dir(&run.home);
    let script = include_str!("keeper.sh");
    shell.args(["-c", script, "keeper.sh", &run.name, LOG, signal]);
    shell.args(command);
    shell.stdin(Stdio::piped()).stdout(Stdio::null());
    shell.spawn().doing(|| format!("start {}", command[0]))
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_directory(test: &str) -> RunDirectory {
        let name = format!("keeper-{test}-{}", std::process::id());
        RunDirectory::create(&std::env::temp_dir(), &name).unwrap()
    }

    #[test]
    fn the_end_of_its_input_ends_the_server_and_removes_its_folder() {
        let run = run_directory("closed");
        let command = ["sh", "-c", "trap '' TERM; exec sleep 600"];
        let mut keeper = spawn(&run, "KILL", &command).unwrap();
        assert!(keeper.try_wait().unwrap().is_none());
        drop(keeper.stdin.take());
        assert_eq!(keeper.wait().unwrap().code(), Some(137));
        assert!(!run.path().exists());
    }

    #[test]
    fn a_server_that_ends_by_itself_leaves_its_log() {
        let run = run_directory("ended");
        let mut keeper = spawn(&run, "KILL", &["sh", "-c", "echo broken; exit 3"]).unwrap();
        let input = keeper.stdin.take();
        assert_eq!(keeper.wait().unwrap().code(), Some(3));
        let log = fs::read_to_string(run.path().join(LOG)).unwrap();
        assert_eq!(log, "broken\n");
        drop(input);
    }

    #[test]
    fn the_tail_of_a_long_log_is_its_last_lines() {
        let log: Vec<String> = (1..=100).map(|number| number.to_string()).collect();
        let tail = tail(&log.join("\n"));
        assert!(tail.starts_with("71\n"));
        assert!(tail.ends_with("\n100"));
    }

    #[test]
    fn free_ports_differ() {
        let [one, other] = free_ports().unwrap();
        assert_ne!(one, other);
    }
}
