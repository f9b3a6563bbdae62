//! Listeners: a topic feeds an algorithm.

pub mod activity;
pub mod batching;
pub mod disable;
pub mod disable_orphaned;
mod dlq;
pub mod enable;
pub mod event;
pub mod pause;
pub mod reset_position;
pub mod sampling;
pub mod settings;
pub mod starts;
pub mod update;

pub use activity::{ActivityCode, Facts, ListenerActivity, Pause, Problem};
pub use batching::{BatchFormat, BatchPatch, BatchPolicy};
pub use disable::DisableListener;
pub use disable_orphaned::DisableOrphanedListener;
pub use enable::EnableListener;
pub use event::{
    DlqCleared, DlqSet, ListenerDisabled, ListenerEnabled, ListenerPaused, ListenerPositionReset,
    ListenerResumed, ListenerSettingsChanged, ListenerVersionChanged,
};
pub use pause::{PauseListener, ResumeListener};
pub use reset_position::{PartitionOffset, ResetListenerPosition, ResetTarget};
pub use sampling::{MaskPatch, SampleMask, SampledRuns, SamplingPatch, SamplingPolicy};
pub use settings::{
    FaultPolicy, ListenerSettings, MessageOrdering, RetryPatch, RetryPolicy, SettingsPatch,
    StartPosition, TombstonePolicy, Transform, TransformPatch,
};
pub use update::UpdateListener;
