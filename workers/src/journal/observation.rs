//! What workers say of their consumers.

use brokers::Lag;
use domain::WorkerId;
use domain::consumer::{self, ConsumerState, ConsumerStatus, STALE_AFTER};
use domain::settlement::UnknownCode;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// How long what a worker said is kept after its last word.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// What a worker says of the consumer of one listener.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The consumer group of the listener.
    pub group: Uuid,
    /// None once the consumer has ended for good.
    pub observed: Option<Observed>,
}

/// What a consumer is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    pub state: ConsumerState,
    pub reason: Option<String>,
    pub partitions: u32,
    pub lag: Option<Lag>,
}

/// A row of the table `consumers`, times in microseconds since 1970.
pub(super) struct Row {
    pub(super) worker: Uuid,
    pub(super) state: String,
    pub(super) reason: Option<String>,
    pub(super) since: i64,
    pub(super) partitions: i64,
    /// None where the lag is not known.
    pub(super) messages: Option<i64>,
    pub(super) oldest_at: Option<i64>,
    pub(super) measured_at: Option<i64>,
    pub(super) updated_at: i64,
}

/// Why a row says nothing that can be understood.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    #[error(transparent)]
    State(#[from] UnknownCode),
    #[error("a time is out of range")]
    Time(#[from] jiff::Error),
}

impl Row {
    /// The row of what `worker` says at `now`.
    pub(super) fn of(worker: WorkerId, observed: &Observed, now: i64) -> Self {
        let lag = observed.lag.as_ref();
        let micros = |duration: std::time::Duration| i64::try_from(duration.as_micros()).ok();
        Self {
            worker: worker.0,
            state: observed.state.as_str().to_owned(),
            reason: observed.reason.clone(),
            since: now,
            partitions: observed.partitions.into(),
            messages: lag.map(|lag| i64::try_from(lag.messages).unwrap_or(i64::MAX)),
            oldest_at: lag.and_then(|lag| {
                let oldest = Timestamp::try_from(lag.oldest?).ok()?;
                Some(oldest.as_microsecond())
            }),
            measured_at: lag.map(|lag| {
                let age = micros(lag.measured.elapsed()).unwrap_or_default();
                now.saturating_sub(age)
            }),
            updated_at: now,
        }
    }

    /// What it says, read at `now`.
    pub(super) fn read(self, now: Timestamp) -> Result<ConsumerStatus, RowError> {
        let updated_at = Timestamp::from_microsecond(self.updated_at)?;
        let measured_at = self.measured_at.map(Timestamp::from_microsecond);
        let oldest_at = self
            .oldest_at
            .map(Timestamp::from_microsecond)
            .transpose()?;
        let lag = self.messages.zip(measured_at.transpose()?);
        Ok(ConsumerStatus {
            worker: WorkerId(self.worker),
            state: self.state.parse()?,
            reason: self.reason,
            since: Timestamp::from_microsecond(self.since)?,
            partitions: u32::try_from(self.partitions).unwrap_or_default(),
            lag: lag.map(|(messages, measured_at)| consumer::Lag {
                messages: u64::try_from(messages).unwrap_or_default(),
                oldest_at,
                measured_at,
            }),
            updated_at,
            is_stale: now.duration_since(updated_at) > STALE_AFTER,
        })
    }
}

/// What was said before this is forgotten at `now`.
pub(super) fn forgotten_before(now: Timestamp) -> i64 {
    let before = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
    before.as_microsecond()
}
