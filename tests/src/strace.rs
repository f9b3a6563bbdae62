//! Faults of the operating system, put into the system calls of a running program by strace.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::signal::{self, Signal};

/// Whose calls are faulty.
#[derive(Clone, Copy, Debug)]
pub enum Whose {
    /// Those of one thread; they are counted from now on.
    Thread(u32),
    /// Those of all threads, and of those to come.
    Process(u32),
}

/// A fault that lasts until it is lifted, or the program ends.
pub struct Fault {
    strace: Child,
}

impl Fault {
    /// From now on, `fault` happens to the system calls `calls`, a list with commas. It is written
    /// as strace has it: `error=ENOSPC`, or `signal=KILL:when=3` for the third of them, before it
    /// is done.
    ///
    /// # Panics
    /// strace may not do it: then nothing would be tested.
    pub async fn inject(whose: Whose, calls: &str, fault: &str) -> Self {
        Self::inject_into(&[], whose, calls, fault).await
    }

    /// As [`Self::inject`], to the calls on these files alone; on all, where none are named.
    ///
    /// # Panics
    /// strace may not do it.
    pub async fn inject_into(files: &[PathBuf], whose: Whose, calls: &str, fault: &str) -> Self {
        let mut strace = Command::new("strace");
        let id = match whose {
            Whose::Thread(id) => id,
            Whose::Process(id) => {
                strace.arg("--follow-forks");
                id
            }
        };
        strace.args(["--output", "/dev/null", "--attach", &id.to_string()]);
        strace.args(["-e", &format!("trace={calls}")]);
        for file in files {
            strace.arg("--trace-path").arg(file);
        }
        strace.args(["-e", &format!("inject={calls}:{fault}")]);
        strace.stderr(Stdio::piped()).kill_on_drop(true);
        let mut strace = strace.spawn().expect("`cargo xtask test` installs strace");
        let mut lines = BufReader::new(strace.stderr.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap_or_default();
        assert!(
            line.contains("attached"),
            "strace cannot trace the program, which this test needs: {line}"
        );
        // It goes on writing there, of the threads that come and go.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { strace }
    }

    /// Nothing is faulty any more.
    pub async fn lift(mut self) {
        if let Some(id) = self.strace.id() {
            signal::send(Signal::INT, id).unwrap();
        }
        self.strace.wait().await.unwrap();
    }
}
