//! What a process takes of the processors.

use std::time::Duration;

/// How many clock ticks `/proc` counts in a second, whatever the kernel's own are.
const TICKS: f64 = 100.0;

/// The processor time of a process until now: of all its threads, in user space and in the kernel.
pub(crate) fn time(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name of the program, in parentheses, may hold anything; `utime` is the twelfth field after
    // it, `stime` the next.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u32 = ticks.map(|ticks| ticks.parse::<u32>().unwrap()).sum();
    Duration::from_secs_f64(f64::from(ticks) / TICKS)
}
