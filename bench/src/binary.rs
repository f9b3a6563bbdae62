//! `eventflows serve` as a process of its own.

use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// What it prints once it serves, before its address.
const READY: &str = "eventflows is ready at ";

/// A running server. Killed when dropped.
pub(crate) struct Running {
    child: Child,
    url: String,
}

impl Running {
    /// Starts it on `data`, and returns once it is ready.
    pub(crate) async fn start(data: &Path) -> Self {
        let binary = std::env::current_exe()
            .unwrap()
            .with_file_name("eventflows");
        let mut child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("eventflows is built beside the benchmarks: `cargo xtask bench` does it");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap();
        let line = line.expect("the server is ready");
        let url = line.strip_prefix(READY).unwrap().to_owned();
        Self { child, url }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The id of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Stops it with SIGTERM.
    pub(crate) async fn stop(mut self) {
        let id = i32::try_from(self.process()).ok().and_then(Pid::from_raw);
        kill_process(id.expect("a process has an id"), Signal::TERM).unwrap();
        assert!(self.child.wait().await.unwrap().success());
    }
}
