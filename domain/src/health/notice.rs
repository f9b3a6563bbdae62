//! When people are told that a listener is blocked, or goes on.

use std::time::Duration;

/// Tells a block only when it has lasted, and its end only when it has stayed away: each is an event
/// that is kept for ever, and a listener that is blocked for a moment every second is one block.
#[derive(Debug)]
pub struct Notice {
    /// How long either must last.
    patience: Duration,
    is_told: bool,
    /// When the first block came that belongs to what is seen now.
    began: Option<Duration>,
    /// Since when there is none.
    clear: Option<Duration>,
}

impl Notice {
    /// Nobody is told of a block yet.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self {
            patience,
            is_told: false,
            began: None,
            clear: None,
        }
    }

    /// Notes whether there is a block at `now`. Answers whether there is one, where that is news.
    pub fn observe(&mut self, now: Duration, is_blocked: bool) -> Option<bool> {
        let lasts =
            |since: Option<Duration>| since.is_some_and(|since| now >= since + self.patience);
        if is_blocked {
            if lasts(self.clear.take()) {
                self.began = None;
            }
            self.began.get_or_insert(now);
            let is_news = !self.is_told && now >= self.told_at();
            self.is_told |= is_news;
            return is_news.then_some(true);
        }
        self.clear.get_or_insert(now);
        if !lasts(self.clear) {
            return None;
        }
        self.began = None;
        let is_news = self.is_told;
        self.is_told = false;
        is_news.then_some(false)
    }

    /// When to look again, if nothing changes.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        match (self.is_told, self.clear) {
            (true, Some(clear)) => Some(clear + self.patience),
            (false, None) if self.began.is_some() => Some(self.told_at()),
            _ => None,
        }
    }

    fn told_at(&self) -> Duration {
        self.began.unwrap_or_default() + self.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tenths: u64) -> Duration {
        Duration::from_millis(100 * tenths)
    }

    /// What is told when there is a block at these times, in tenths of a second, until those.
    fn told(blocks: &[(u64, u64)]) -> Vec<(u64, bool)> {
        let mut notice = Notice::new(at(20));
        let mut told = Vec::new();
        for now in 0..200 {
            let is_blocked = blocks.iter().any(|(from, to)| (*from..*to).contains(&now));
            if let Some(news) = notice.observe(at(now), is_blocked) {
                told.push((now, news));
            }
        }
        told
    }

    #[test]
    fn a_block_is_told_when_it_has_lasted_and_its_end_when_it_has_stayed_away() {
        assert_eq!(told(&[(10, 29)]), []);
        assert_eq!(told(&[(10, 50)]), [(30, true), (70, false)]);
    }

    #[test]
    fn blocks_that_come_and_go_are_one() {
        let flood: Vec<_> = (0..10).map(|block| (10 * block, 10 * block + 5)).collect();
        assert_eq!(told(&flood), [(20, true), (115, false)]);
        assert_eq!(told(&[(0, 5), (50, 55), (100, 105)]), []);
    }

    #[test]
    fn it_is_looked_at_again_when_something_may_be_told() {
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
    fn without_patience_everything_is_told_at_once() {
        let mut notice = Notice::new(Duration::ZERO);
        assert_eq!(notice.observe(at(1), true), Some(true));
        assert_eq!(notice.observe(at(1), false), Some(false));
        assert_eq!(notice.observe(at(1), true), Some(true));
    }
}
