//! What an auditor asks of the event log: whether it is what was signed, proofs, exports and the
//! state at an earlier time. And what a server needs for it: the signing key, and copies of
//! checkpoints elsewhere.

pub mod export;
pub mod failure;
mod file;
pub mod key;
mod organization;
pub mod post;
pub mod proof;
pub mod replay;
mod row;
pub mod verify;

pub use failure::Failure;
pub use file::read_public_key;
