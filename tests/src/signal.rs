//! Signals to the processes that tests have started.

use std::io;

pub(crate) use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// Sends `signal` to the process with that id, which has not been waited for yet.
pub(crate) fn send(signal: Signal, process: u32) -> io::Result<()> {
    let id = i32::try_from(process).ok().and_then(Pid::from_raw);
    let id = id.ok_or(io::ErrorKind::InvalidInput)?;
    Ok(kill_process(id, signal)?)
}
