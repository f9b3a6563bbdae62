//! One broker takes over from another: what will move, and the commands that a policy moves
//! it by, topic by topic.

pub mod end;
pub mod preview;
pub mod take_over;

pub use end::{EndPatterns, EndTopic};
pub use preview::{Holding, Missing, Move, Preview, preview};
pub use take_over::{TakeOverPatterns, TakeOverTopic};
