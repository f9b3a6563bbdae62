//! Resident memory of an idle `eventflows serve`.

use std::time::Duration;

use crate::binary::Running;

/// How long the server is left alone before it is looked at.
const IDLE: Duration = Duration::from_secs(5);

pub(crate) async fn run() {
    let directory = tempfile::tempdir().unwrap();
    let server = Running::start(directory.path()).await;
    tokio::time::sleep(IDLE).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process())).unwrap();
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    println!("# Memory");
    println!("idle `eventflows serve`: {} resident", resident.trim());
    server.stop().await;
}
