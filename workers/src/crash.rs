//! Points in a worker's work where a test can end its process at once, as SIGKILL does.
//!
//! Without the feature `testing`, and so in a release, passing one does nothing.

/// Defines the points and the list of them all.
macro_rules! points {
    ($($(#[$meaning:meta])* $point:ident),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point {
            $($(#[$meaning])* $point),*
        }

        impl Point {
            pub const ALL: &[Self] = &[$(Self::$point),*];
        }
    };
}

points! {
    /// Messages have come from the broker and are not claimed.
    Received,
    /// They have their runs.
    Claimed,
    /// A call is counted and not sent.
    Calling,
    /// It was answered, and nothing is decided.
    Answered,
    /// The decision is durable.
    Decided,
    /// A result is about to be sent to its topics.
    Publishing,
    /// They have it; the message is not settled.
    Published,
    /// A dead letter is about to be sent.
    DeadLettering,
    /// Its queue has it; the message is not settled.
    DeadLettered,
    /// The broker was told that a message is done; the journal does not know it.
    Settled,
    /// A direct run is decided; its caller has no answer.
    DirectDecided,
    /// The outbox holds results that it is about to send.
    OutboxTaken,
    /// Topics have a result of the outbox; the journal does not know it.
    OutboxPublished,
    /// Finished runs were deleted.
    Pruned,
    /// A consumer takes no more messages, and has some in flight.
    Stopping,
    /// Its messages have ended or are given back; its source is open.
    Stopped,
}

impl Point {
    /// The variable that names the point where the process is to end.
    pub const VARIABLE: &str = "EVENTFLOWS_CRASH_AT";

    /// What [`Self::VARIABLE`] holds to end the process when this is passed for the `time`th time.
    #[must_use]
    pub fn at_time(self, time: u32) -> String {
        format!("{self:?}:{time}")
    }

    /// Ends the process if it is to end here.
    pub(crate) fn pass(self) {
        #[cfg(feature = "testing")]
        armed::pass(self);
    }
}

#[cfg(feature = "testing")]
mod armed {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::Point;

    struct Armed {
        point: Point,
        times_left: AtomicU32,
    }

    static ARMED: LazyLock<Option<Armed>> = LazyLock::new(|| {
        #[expect(
            clippy::disallowed_methods,
            reason = "only a build for tests asks, and nothing that is shipped is to carry the answer"
        )]
        let said = std::env::var(Point::VARIABLE).ok()?;
        let armed = read(&said);
        assert!(armed.is_some(), "{} is no point: {said}", Point::VARIABLE);
        armed
    });

    pub(super) fn pass(point: Point) {
        if let Some(armed) = &*ARMED
            && armed.point == point
            && armed.times_left.fetch_sub(1, Ordering::Relaxed) == 1
        {
            std::process::abort();
        }
    }

    fn read(said: &str) -> Option<Armed> {
        let (name, time) = said.split_once(':')?;
        let mut points = Point::ALL.iter();
        Some(Armed {
            point: *points.find(|point| format!("{point:?}") == name)?,
            times_left: AtomicU32::new(time.parse().ok()?),
        })
    }
}
