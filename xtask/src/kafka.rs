//! A real Apache Kafka for tests and benchmarks: one KRaft node, without a container.

mod jars;
mod keeper;
mod readiness;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::environment;
use crate::failure::{Doing, Failure};
use crate::process;

/// From the start of Java to the first answer; usually two or three seconds.
const READY_WITHIN: Duration = Duration::from_secs(60);
const POLL_EVERY: Duration = Duration::from_millis(100);
const LOG_TAIL_LINES: usize = 30;

/// Where clients find the address; set by a person, it makes the tasks use that Kafka instead.
pub(crate) const ADDRESS_VARIABLE: &str = "EVENTFLOWS_TEST_KAFKA";

/// Base64 of `eventflows-tests`, since a cluster id is 16 bytes. Every node has storage of its
/// own, so they may share the id.
const CLUSTER_ID: &str = "ZXZlbnRmbG93cy10ZXN0cw";

/// A running node. It ends with this value, and also when xtask is killed.
pub(crate) struct Kafka {
    keeper: Child,
    /// Dropped after the keeper has ended.
    run_directory: RunDirectory,
    address: String,
}

impl Kafka {
    /// Fetches Kafka if needed, starts it on free ports and waits until it serves clients.
    pub(crate) fn start() -> Result<Self, Failure> {
        let home = environment::scratch("kafka");
        let jars = jars::resolve(&home)?;
        let run = format!("run-{}", std::process::id());
        let (client_port, controller_port) = free_ports()?;
        let properties = format!("{run}/server.properties");
        let run_directory = RunDirectory::create(home.join(&run))?;
        fs::write(
            home.join(&properties),
            server_properties(&run, client_port, controller_port),
        )
        .doing(|| format!("write {properties}"))?;

        let classpath = format!("{jars}/*");
        format_storage(&home, &classpath, &properties)?;
        let java = [
            "java",
            "-Xmx512m",
            "-cp",
            &classpath,
            "kafka.Kafka",
            &properties,
        ];
        let mut kafka = Self {
            keeper: keeper::spawn(&home, &run, &java)?,
            run_directory,
            address: format!("127.0.0.1:{client_port}"),
        };
        kafka.wait_until_ready()?;
        Ok(kafka)
    }

    /// `host:port` for clients.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    fn wait_until_ready(&mut self) -> Result<(), Failure> {
        let started = Instant::now();
        loop {
            if readiness::serves_clients(&self.address) {
                return Ok(());
            }
            let ended = self.keeper.try_wait().doing(|| "watch Kafka".to_owned())?;
            if let Some(status) = ended {
                return Err(self.failed_start(&format!("Kafka ended by itself ({status})")));
            }
            if started.elapsed() > READY_WITHIN {
                let seconds = READY_WITHIN.as_secs();
                return Err(self.failed_start(&format!("Kafka gave no answer in {seconds} s")));
            }
            std::thread::sleep(POLL_EVERY);
        }
    }

    fn failed_start(&self, what: &str) -> Failure {
        let log = fs::read_to_string(self.run_directory.0.join(keeper::LOG)).unwrap_or_default();
        Failure::new(format!("{what}; its log ends with:\n{}", tail(&log)))
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!("cannot see the end of Kafka: {error}");
        }
    }
}

/// Configuration, storage and log of one node, removed with this value.
struct RunDirectory(PathBuf);

impl RunDirectory {
    fn create(path: PathBuf) -> Result<Self, Failure> {
        fs::create_dir_all(&path).doing(|| format!("create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        // The keeper has removed it already, unless the node had ended by itself.
        if self.0.exists()
            && let Err(error) = fs::remove_dir_all(&self.0)
        {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}

/// Both are held at once, so that they differ.
fn free_ports() -> Result<(u16, u16), Failure> {
    let reserve = || -> std::io::Result<(u16, TcpListener)> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        Ok((listener.local_addr()?.port(), listener))
    };
    let first = reserve().doing(|| "find a free port".to_owned())?;
    let second = reserve().doing(|| "find a free port".to_owned())?;
    Ok((first.0, second.0))
}

/// Paths are relative to Kafka's home, since a property file has its own rules for odd characters.
fn server_properties(run: &str, client_port: u16, controller_port: u16) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{client_port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{client_port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.dirs={run}/data
"
    )
}

fn format_storage(home: &Path, classpath: &str, properties: &str) -> Result<(), Failure> {
    let mut java = Command::new("java");
    // Its usual chatter is some three hundred lines of settings.
    java.current_dir(home)
        .args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]);
    java.args(["-cp", classpath]);
    java.args(["kafka.tools.StorageTool", "format", "--ignore-formatted"]);
    java.args(["-t", CLUSTER_ID, "-c", properties]);
    process::run(java.stdout(Stdio::null()))
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_long_log_is_its_last_lines() {
        let log: Vec<String> = (1..=100).map(|number| number.to_string()).collect();
        let tail = tail(&log.join("\n"));
        assert!(tail.starts_with("71\n"));
        assert!(tail.ends_with("\n100"));
    }

    #[test]
    fn free_ports_differ() {
        let (one, other) = free_ports().unwrap();
        assert_ne!(one, other);
    }
}
