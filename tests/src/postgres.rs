//! A PostgreSQL of a test's own, which it may stop.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::signal::{self, Signal};
use crate::wait::eventually;

/// Where Debian has the programs that only a server needs, in a folder for each version.
const DEBIAN_VERSIONS: &str = "/usr/lib/postgresql";

/// Whom the server runs as where the tests run as root, which PostgreSQL refuses.
const USER: &str = "postgres";

/// A server on a free port of the loopback interface. Ended when dropped.
pub struct Postgres {
    directory: TempDir,
    port: u16,
    server: Child,
}

impl Postgres {
    /// Starts a new, empty server, and waits for it.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        if is_root() {
            let chown = Command::new("chown")
                .arg(USER)
                .arg(directory.path())
                .status();
            assert!(chown.await.unwrap().success());
        }
        let mut initdb = command(directory.path(), "initdb");
        initdb.args([
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-U",
            USER,
            "-D",
            "data",
        ]);
        assert!(initdb.status().await.unwrap().success(), "initdb failed");
        // Free again, for the server.
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let server = serve(directory.path(), port).await;
        Self {
            directory,
            port,
            server,
        }
    }

    /// The URL of its database for the superuser, with a password that must not be seen anywhere.
    #[must_use]
    pub fn url(&self) -> String {
        let port = self.port;
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres")
    }

    /// Stops it as a crash does: at once, without a word to anybody.
    pub async fn stop(&mut self) {
        signal::send(Signal::QUIT, self.server.id().unwrap()).unwrap();
        self.server.wait().await.unwrap();
    }

    /// Starts it again after it was stopped, and waits for it.
    pub async fn start_again(&mut self) {
        self.server = serve(self.directory.path(), self.port).await;
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Not with SIGKILL, which would leave its processes and its shared memory.
        if let Some(id) = self.server.id()
            && let Err(error) = signal::send(Signal::QUIT, id)
        {
            eprintln!("a PostgreSQL is left on port {}: {error}", self.port);
        }
    }
}

/// The password in [`Postgres::url`].
pub const PASSWORD: &str = "not-to-be-seen";

async fn serve(directory: &Path, port: u16) -> Child {
    let mut server = command(directory, "postgres");
    let port = port.to_string();
    server.args(["-D", "data", "-k", ".", "-p", &port]);
    server.args(["-c", "listen_addresses=127.0.0.1"]);
    let server = server.stderr(Stdio::null()).spawn().unwrap();
    eventually("PostgreSQL", async || {
        let mut ready = command(directory, "pg_isready");
        ready.args(["-q", "-h", "127.0.0.1", "-p", &port, "-U", USER]);
        ready.status().await.unwrap().success().then_some(())
    })
    .await;
    server
}

/// A program of PostgreSQL, in `directory`.
fn command(directory: &Path, program: &str) -> Command {
    let program = programs().join(program);
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        // The server ends with the test, however that ends.
        command.args(["--pdeathsig=QUIT", "--clear-groups"]);
        command.args([format!("--reuid={USER}"), format!("--regid={USER}")]);
        command.arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(directory).stdout(Stdio::null());
    command
}

/// The folder of the newest PostgreSQL's programs.
fn programs() -> PathBuf {
    let versions = fs::read_dir(DEBIAN_VERSIONS);
    let newest = versions.into_iter().flatten().filter_map(|version| {
        let path = version.ok()?.path();
        let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
        Some((number, path.join("bin")))
    });
    let newest = newest
        .max()
        .expect("`cargo xtask test` installs PostgreSQL");
    newest.1
}

fn is_root() -> bool {
    let id = std::process::Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}
