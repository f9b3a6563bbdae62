//! What the whole schema keeps to.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod codes;
mod descriptions;
mod names;
mod reserved;
mod shapes;
