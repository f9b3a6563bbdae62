//! A real Apache Kafka for tests and benchmarks: one KRaft node, without a container.

mod jars;
mod readiness;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::environment;
use crate::failure::{Doing, Failure};
use crate::keeper::{RunDirectory, Server, free_ports};
use crate::process;

/// Where clients find the address; set by a person, it makes the tasks use that Kafka instead.
pub(crate) const ADDRESS_VARIABLE: &str = "EVENTFLOWS_TEST_KAFKA";

/// Base64 of `eventflows-tests`, since a cluster id is 16 bytes. Every node has storage of its
/// own, so they may share the id.
const CLUSTER_ID: &str = "ZXZlbnRmbG93cy10ZXN0cw";

/// A running node. It ends with this value, and also when xtask is killed.
pub(crate) struct Kafka {
    _server: Server,
    address: String,
}

impl Kafka {
    /// Fetches Kafka if needed, starts it on free ports and waits until it serves clients.
    pub(crate) fn start() -> Result<Self, Failure> {
        let home = environment::scratch("kafka");
        let jars = jars::resolve(&home)?;
        let run = format!("run-{}", std::process::id());
        let [client_port, controller_port] = free_ports()?;
        let properties = format!("{run}/server.properties");
        let run_directory = RunDirectory::create(&home, &run)?;
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
        // Its data is thrown away, so there is no point in asking it to stop in good order.
        let mut server = Server::start("Kafka", run_directory, "KILL", &java)?;
        let address = format!("127.0.0.1:{client_port}");
        server.wait_until(|| readiness::serves_clients(&address))?;
        Ok(Self {
            _server: server,
            address,
        })
    }

    /// `host:port` for clients.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
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
