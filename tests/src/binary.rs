//! The real binary, on a data directory and a free port of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::graphql::GraphQl;

/// What the binary prints once it serves, before its address.
const READY: &str = "eventflows is ready at ";

/// A running `eventflows serve`. Killed when dropped.
pub struct Eventflows {
    child: Child,
    url: String,
    data: TempDir,
}

impl Eventflows {
    /// Starts on empty data.
    pub async fn start() -> Self {
        Self::start_on(tempfile::tempdir().unwrap()).await
    }

    async fn start_on(data: TempDir) -> Self {
        let mut child = Command::new(binary())
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap();
        let line = line.expect("the binary ended before it was ready; its log says why");
        let url = line.strip_prefix(READY).expect("the line of readiness");
        Self {
            url: url.to_owned(),
            child,
            data,
        }
    }

    /// A client of its API.
    #[must_use]
    pub fn api(&self) -> GraphQl {
        GraphQl::new(&self.url)
    }

    /// `host:port`
    #[must_use]
    pub fn authority(&self) -> &str {
        let rest = self.url.strip_prefix("http://").unwrap();
        rest.strip_suffix("/graphql").unwrap()
    }

    /// The directory of its databases.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Kills it with SIGKILL and starts it again on the same data.
    pub async fn kill_and_restart(mut self) -> Self {
        self.child.kill().await.unwrap();
        Self::start_on(self.data).await
    }

    /// Stops it with SIGTERM, changes its data, and starts it again.
    pub async fn stop_and_restart(mut self, change: impl FnOnce(&Path)) -> Self {
        self.terminate().await;
        change(self.data.path());
        Self::start_on(self.data).await
    }

    /// Stops it with SIGTERM.
    ///
    /// # Panics
    /// It does not end well.
    pub async fn terminate(&mut self) {
        let id = self.child.id().unwrap().to_string();
        let kill = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(kill.unwrap().success());
        let status = self.child.wait().await.unwrap();
        assert!(status.success(), "{status}");
    }
}

/// The binary that the test command built beside this one.
fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let binary = profile.join("eventflows");
    assert!(
        binary.exists(),
        "{} is not there: `cargo xtask test` builds it",
        binary.display()
    );
    binary
}
