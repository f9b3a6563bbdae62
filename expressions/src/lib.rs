//! Filters and transforms of messages in CEL, bounded: what an expression may read, do and make.
//!
//! An expression is compiled where it is stored, so that its author hears what is wrong with it, and
//! again where it is evaluated. It sees one message and nothing else, so that it gives the same for
//! the same message. Texts for people never hold what a message holds.

mod check;
mod equality;
mod failure;
mod filter;
mod fuel;
mod functions;
mod headers;
mod json;
mod message;
mod meter;
mod names;
mod problem;
mod program;
mod transform;
mod unreadable;
mod variables;
mod write;

pub use self::failure::Failure;
pub use self::filter::Filter;
pub use self::message::{Answer, Message};
pub use self::problem::Problem;
pub use self::transform::{Made, RequestTransform, ResultTransform};
