//! A real PostgreSQL for tests and benchmarks: its own port and data, without a container.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::environment;
use crate::failure::{Doing, Failure};
use crate::keeper::{RunDirectory, Server, free_ports};
use crate::process;

/// Where clients find the URL, of somebody who may make databases and roles; set by a person, it
/// makes the tasks use that PostgreSQL instead.
pub(crate) const ADDRESS_VARIABLE: &str = "EVENTFLOWS_TEST_POSTGRES";

/// Where Debian has the programs that only a server needs, in a folder for each version.
const DEBIAN_VERSIONS: &str = "/usr/lib/postgresql";

/// Whom the server runs as when xtask runs as root, which PostgreSQL refuses.
const USER: &str = "postgres";

/// A running server. It ends with this value, and also when xtask is killed.
pub(crate) struct Postgres {
    _server: Server,
    url: String,
}

impl Postgres {
    /// Starts a new, empty server on a free port of the loopback interface, and waits for it.
    pub(crate) fn start() -> Result<Self, Failure> {
        let programs = programs().ok_or_else(|| Failure::new("PostgreSQL is not installed"))?;
        let as_whom = if process::is_root() { AS_USER } else { &[] };
        let name = format!("eventflows-postgres-{}", std::process::id());
        let run_directory = RunDirectory::create(&environment::temporary(), &name)?;
        let path = run_directory.path();
        if !as_whom.is_empty() {
            process::run(process::program("chown").arg(USER).arg(&path))?;
        }
        initialise(as_whom, &programs, &path)?;

        let [port] = free_ports()?;
        let (port, path) = (port.to_string(), path.display().to_string());
        let (data, postgres) = (format!("{path}/data"), text(&programs.join("postgres")));
        let mut command = as_whom.to_vec();
        command.extend([&*postgres, "-D", &data, "-k", &path, "-p", &port]);
        command.extend(["-c", "listen_addresses=127.0.0.1"]);
        command.extend(["-c", "max_connections=200"]);
        // At once, without a checkpoint, but with its shared memory given back.
        let mut server = Server::start("PostgreSQL", run_directory, "QUIT", &command)?;
        let is_ready = text(&programs.join("pg_isready"));
        let asking = ["-q", "-h", "127.0.0.1", "-p", &port, "-U", USER];
        server.wait_until(|| process::succeeds(process::program(&is_ready).args(asking)))?;
        Ok(Self {
            _server: server,
            url: format!("postgres://{USER}@127.0.0.1:{port}/postgres"),
        })
    }

    /// The URL of the superuser, who needs no password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Becomes the user, for good.
const AS_USER: &[&str] = &[
    "setpriv",
    "--reuid=postgres",
    "--regid=postgres",
    "--clear-groups",
];

/// The folder of the newest PostgreSQL's programs.
pub(crate) fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(DEBIAN_VERSIONS).ok()?;
    let newest = versions
        .filter_map(|version| {
            let path = version.ok()?.path();
            let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
            let programs = path.join("bin");
            programs
                .join("initdb")
                .exists()
                .then_some((number, programs))
        })
        .max()?;
    Some(newest.1)
}

fn initialise(as_whom: &[&str], programs: &Path, run_directory: &Path) -> Result<(), Failure> {
    let initdb = text(&programs.join("initdb"));
    let mut words = as_whom.to_vec();
    words.extend([&*initdb, "--auth=trust", "-E", "UTF8", "--locale=C"]);
    words.extend(["-U", USER, "-D"]);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(run_directory.join("data"));
    // The user need not be able to enter the folder that xtask runs in.
    command.current_dir(run_directory).stdout(Stdio::null());
    let status = command.status();
    let status = status.doing(|| format!("run {}", process::describe(&command)))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("initdb failed ({status})")))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
