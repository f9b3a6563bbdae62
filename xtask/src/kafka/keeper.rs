//! Keeps a server running exactly as long as xtask, however xtask ends.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::failure::{Doing, Failure};

/// Where the server's output goes, in its run directory.
pub(super) const LOG: &str = "kafka.log";

/// Starts `server` in `home` under a shell that kills it and removes `run`, a folder of `home`,
/// once the child's standard input closes. A server that ends by itself ends the child too, and
/// leaves its log.
pub(super) fn spawn(home: &Path, run: &str, server: &[&str]) -> Result<Child, Failure> {
    let mut shell = Command::new("sh");
    shell.current_dir(home);
    shell.args(["-c", include_str!("keeper.sh"), "keeper.sh", run, LOG]);
    shell.args(server);
    shell.stdin(Stdio::piped()).stdout(Stdio::null());
    shell.spawn().doing(|| format!("start {}", server[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    fn home(test: &str) -> PathBuf {
        let home = std::env::temp_dir().join(format!("keeper-{test}-{}", std::process::id()));
        fs::create_dir_all(home.join("run")).unwrap();
        home
    }

    #[test]
    fn the_end_of_its_input_kills_the_server_and_removes_its_folder() {
        let home = home("closed");
        let mut keeper =
            spawn(&home, "run", &["sh", "-c", "trap '' TERM; exec sleep 600"]).unwrap();
        assert!(keeper.try_wait().unwrap().is_none());
        drop(keeper.stdin.take());
        assert_eq!(keeper.wait().unwrap().code(), Some(137));
        assert!(!home.join("run").exists());
        fs::remove_dir(home).unwrap();
    }

    #[test]
    fn a_server_that_ends_by_itself_leaves_its_log() {
        let home = home("ended");
        let mut keeper = spawn(&home, "run", &["sh", "-c", "echo broken; exit 3"]).unwrap();
        let input = keeper.stdin.take();
        assert_eq!(keeper.wait().unwrap().code(), Some(3));
        let log = fs::read_to_string(home.join("run").join(LOG)).unwrap();
        assert_eq!(log, "broken\n");
        drop(input);
        fs::remove_dir_all(home).unwrap();
    }
}
