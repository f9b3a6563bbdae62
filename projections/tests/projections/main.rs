//! Histories in, rows out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod assignments;
mod brokers;
mod changes;
mod dump;
mod event_lists;
mod events;
mod filters;
mod fixture;
mod flows;
mod fold;
mod grants;
mod lists;
mod outages;
mod outputs;
mod past;
mod people;
mod random;
mod rebuilding;
mod replaying;
