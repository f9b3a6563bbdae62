//! Whether an endpoint refuses messages for the sake of their neighbours. A model server that puts
//! several calls into one batch refuses all of them where the model cannot take one.

use std::time::Duration;

/// Refusals in a row that stood when the message was called once more, after which they are believed.
const CONFIRMED: u32 = 10;

/// How long it is remembered that a refused message passed alone.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// What calls of refused messages, made once more with nobody beside them if that was possible, came
/// to.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    confirmed: u32,
    /// Until when a refusal beside other calls says nothing.
    blamed_until: Option<Duration>,
}

impl Neighbours {
    /// Whether a refusal beside other calls may be its neighbours' fault.
    pub(super) fn may_be_to_blame(&self, now: Duration) -> bool {
        self.confirmed < CONFIRMED || self.blamed_until.is_some_and(|until| now < until)
    }

    /// A message was refused again.
    pub(super) fn refused_again(&mut self) {
        self.confirmed = self.confirmed.saturating_add(1);
    }

    /// A refused message passed alone.
    pub(super) fn passed_alone(&mut self, now: Duration) {
        self.confirmed = 0;
        self.blamed_until = Some(now + REMEMBERED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_believed_after_ten_that_stood_until_one_passes_alone() {
        let mut neighbours = Neighbours::default();
        let now = Duration::from_secs(7);
        for _ in 0..CONFIRMED {
            assert!(neighbours.may_be_to_blame(now));
            neighbours.refused_again();
        }
        assert!(!neighbours.may_be_to_blame(now));
        neighbours.passed_alone(now);
        assert!(neighbours.may_be_to_blame(now));
    }

    #[test]
    fn that_a_message_passed_alone_is_remembered_for_an_hour() {
        let mut neighbours = Neighbours::default();
        neighbours.passed_alone(Duration::ZERO);
        for _ in 0..CONFIRMED {
            neighbours.refused_again();
        }
        assert!(neighbours.may_be_to_blame(Duration::from_secs(3599)));
        assert!(!neighbours.may_be_to_blame(Duration::from_secs(3600)));
    }
}
