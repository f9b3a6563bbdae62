//! When it is reported that a listener is blocked, or that it continues.

use std::time::Duration;

/// Reports a block only once it has lasted a while, and its end only once there has been none for a
/// while. Each report is an event that is kept for ever, so a listener that is blocked for a moment
/// every second counts as blocked throughout.
#[derive(Debug)]
pub struct Notice {
    /// How long a block, or its absence, must last.
    patience: Duration,
    is_reported: bool,
    /// When the present block began.
    began: Option<Duration>,
    /// Since when there has been none.
    clear: Option<Duration>,
}

impl Notice {
    /// No block has been reported yet.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self {
            patience,
            is_reported: false,
            began: None,
            clear: None,
        }
    }

    /// Notes whether there is a block at `now`. Returns what to report, if anything.
    pub fn observe(&mut self, now: Duration, is_blocked: bool) -> Option<bool> {
        let lasts =
            |since: Option<Duration>| since.is_some_and(|since| now >= since + self.patience);
        if is_blocked {
            if lasts(self.clear.take()) {
                self.began = None;
            }
            self.began.get_or_insert(now);
            let is_news = !self.is_reported && now >= self.reported_at();
            self.is_reported |= is_news;
            return is_news.then_some(true);
        }
        self.clear.get_or_insert(now);
        if !lasts(self.clear) {
            return None;
        }
        self.began = None;
        let is_news = self.is_reported;
        self.is_reported = false;
        is_news.then_some(false)
    }

    /// When to look again, if nothing changes.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        match (self.is_reported, self.clear) {
            (true, Some(clear)) => Some(clear + self.patience),
            (false, None) if self.began.is_some() => Some(self.reported_at()),
            _ => None,
        }
    }

    fn reported_at(&self) -> Duration {
        self.began.unwrap_or_default() + self.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tenths: u64) -> Duration {
        Duration::from_millis(100 * tenths)
    }

    /// What is reported where there are blocks from and until these times, in tenths of a second.
    fn reported(blocks: &[(u64, u64)]) -> Vec<(u64, bool)> {
        let mut notice = Notice::new(at(20));
        let mut reported = Vec::new();
        for now in 0..200 {
            let is_blocked = blocks.iter().any(|(from, to)| (*from..*to).contains(&now));
            if let Some(news) = notice.observe(at(now), is_blocked) {
                reported.push((now, news));
            }
        }
        reported
    }

    #[test]
    fn a_block_is_reported_when_it_has_lasted_and_its_end_when_it_has_stayed_away() {
        assert_eq!(reported(&[(10, 29)]), []);
        assert_eq!(reported(&[(10, 50)]), [(30, true), (70, false)]);
    }

    #[test]
    fn blocks_that_come_and_go_are_one() {
        let flood: Vec<_> = (0..10).map(|block| (10 * block, 10 * block + 5)).collect();
        assert_eq!(reported(&flood), [(20, true), (115, false)]);
        assert_eq!(reported(&[(0, 5), (50, 55), (100, 105)]), []);
    }

    #[test]
    fn it_is_looked_at_again_when_something_may_be_reported() {
        let mut notice = Notice::new(at(20));
        assert_eq!(notice.due(), None);
        notice.observe(at(5), true);
        assert_eq!(notice.due(), Some(at(25)));
        assert_eq!(notice.observe(at(25), true), Some(true));
        assert_eq!(notice.due(), None);
        notice.observe(at(30), false);
        assert_eq!(notice.due(), Some(at(50)));
        assert_eq!(notice.observe(at(50), false), Some(false));
        assert_eq!(notice.due(), None);
    }

    #[test]
    fn without_patience_everything_is_reported_at_once() {
        let mut notice = Notice::new(Duration::ZERO);
        assert_eq!(notice.observe(at(1), true), Some(true));
        assert_eq!(notice.observe(at(1), false), Some(false));
        assert_eq!(notice.observe(at(1), true), Some(true));
    }
}
