//! Resident memory of an idle `eventflows serve`.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// How long the server is left alone before it is looked at.
const IDLE: Duration = Duration::from_secs(5);

pub(crate) async fn run() {
    let directory = tempfile::tempdir().unwrap();
    let binary = std::env::current_exe()
        .unwrap()
        .with_file_name("eventflows");
    let mut child = Command::new(binary)
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("eventflows is built beside the benchmarks: `cargo xtask bench` does it");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines
        .next_line()
        .await
        .unwrap()
        .expect("the server is ready");
    tokio::time::sleep(IDLE).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id().unwrap())).unwrap();
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    println!("# Memory");
    println!("idle `eventflows serve`: {} resident", resident.trim());
    child.kill().await.unwrap();
}
