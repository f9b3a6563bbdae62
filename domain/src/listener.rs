//! Listeners: a topic feeds an algorithm.

pub mod change_settings;
pub mod change_version;
pub mod disable;
pub mod disable_orphaned;
pub mod dlq;
pub mod enable;
pub mod event;
pub mod pause;
pub mod settings;

pub use change_settings::ChangeListenerSettings;
pub use change_version::ChangeListenerVersion;
pub use disable::DisableListener;
pub use disable_orphaned::DisableOrphanedListener;
pub use dlq::{ClearDlq, SetDlq};
pub use enable::EnableListener;
pub use event::{
    DlqCleared, DlqSet, ListenerDisabled, ListenerEnabled, ListenerPaused, ListenerResumed,
    ListenerSettingsChanged, ListenerVersionChanged,
};
pub use pause::{PauseListener, ResumeListener};
pub use settings::{FaultPolicy, ListenerSettings, RetryPolicy, StartPosition};
