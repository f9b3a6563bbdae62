//! The stand-in for KurrentDB, for scenarios: a real one comes in a container or not at all.

use std::net::TcpStream;

use crate::environment;
use crate::failure::Failure;
use crate::keeper::{RunDirectory, Server, free_ports};

/// Where clients find the connection string; set by a person, it makes the tasks use that
/// KurrentDB instead.
pub(crate) const ADDRESS_VARIABLE: &str = "EVENTFLOWS_TEST_KURRENTDB";

/// Built with the rest of the workspace.
const PROGRAM: &str = "kurrentdb-stand-in";

/// A running server. It ends with this value, and also when xtask is killed.
pub(crate) struct KurrentDb {
    _server: Server,
    url: String,
}

impl KurrentDb {
    /// Starts an empty server on a free port of the loopback interface, and waits for it.
    pub(crate) fn start() -> Result<Self, Failure> {
        let program = environment::built(PROGRAM)
            .ok_or_else(|| Failure::new(format!("{PROGRAM} is not built")))?;
        let name = format!("eventflows-kurrentdb-{}", std::process::id());
        let run_directory = RunDirectory::create(&environment::temporary(), &name)?;
        let [port] = free_ports()?;
        let address = format!("127.0.0.1:{port}");
        let program = program.display().to_string();
        let command = [program.as_str(), &address];
        // It keeps nothing.
        let mut server = Server::start("the stand-in", run_directory, "KILL", &command)?;
        server.wait_until(|| TcpStream::connect(&address).is_ok())?;
        Ok(Self {
            _server: server,
            url: format!("kurrentdb://{address}?tls=false"),
        })
    }

    /// The connection string.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}
