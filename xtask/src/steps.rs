//! Announces the steps of a task, times them, and sums them up at the end.

use std::time::{Duration, Instant};

use crate::failure::Failure;

/// The steps taken so far.
#[derive(Default)]
pub(crate) struct Steps {
    taken: Vec<Step>,
    notes: Vec<String>,
}

struct Step {
    name: &'static str,
    duration: Duration,
    outcome: &'static str,
}

impl Steps {
    pub(crate) fn take<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        eprintln!("\n==> {name}");
        let started = Instant::now();
        let result = work();
        let duration = started.elapsed();
        let outcome = if result.is_ok() { "ok" } else { "FAILED" };
        eprintln!("<== {name}: {outcome} in {}", seconds(duration));
        self.taken.push(Step {
            name,
            duration,
            outcome,
        });
        result
    }

    /// A step that this machine cannot take.
    pub(crate) fn leave_out(&mut self, name: &'static str, why: &str) {
        self.note(format!("{name} was left out: {why}"));
        self.taken.push(Step {
            name,
            duration: Duration::ZERO,
            outcome: "left out",
        });
    }

    /// What a person should know at the end.
    pub(crate) fn note(&mut self, note: String) {
        eprintln!("\nnote: {note}");
        self.notes.push(note);
    }

    /// One line per step, the total, and the notes.
    pub(crate) fn summary(&self) -> String {
        let total: Duration = self.taken.iter().map(|step| step.duration).sum();
        let mut lines = String::from("\nsummary\n");
        for step in &self.taken {
            lines += &line(step.name, step.duration, step.outcome);
        }
        lines += &line("total", total, "");
        for note in &self.notes {
            lines += &format!("note: {note}\n");
        }
        lines
    }
}

fn line(name: &str, duration: Duration, outcome: &str) -> String {
    let line = format!("  {name:<14}{:>9}  {outcome}", seconds(duration));
    format!("{}\n", line.trim_end())
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_has_every_step_and_how_it_ended() {
        let mut steps = Steps::default();
        steps.take("format", || Ok(())).unwrap();
        steps.leave_out("deny", "no wheel");
        let failed: Result<(), Failure> = steps.take("clippy", || Err(Failure::new("broken")));
        assert!(failed.is_err());
        assert_eq!(
            steps.summary(),
            "\nsummary\n  format            0.0 s  ok\n  deny              0.0 s  left out\n  \
             clippy            0.0 s  FAILED\n  total             0.0 s\n\
             note: deny was left out: no wheel\n"
        );
    }
}
