//! Scenarios through public doors against real parts: the binary, Kafka, HTTP.
#![expect(
    clippy::unwrap_used,
    reason = "a scenario that cannot go on has failed, and says where"
)]

mod activity;
mod api_guide;
mod arguments;
mod audit;
mod bad_input;
mod batches;
mod changes;
mod conventions;
mod crash;
mod crash_matrix;
mod decisions;
mod desired;
mod doors;
mod events;
mod expressions;
mod gateway;
mod jobs;
mod lifecycle;
mod limits;
mod lists;
mod log_copy;
mod log_faults;
mod messages;
mod mutations;
mod ordering;
mod past;
mod positions;
mod refusals;
mod requests;
mod revisions;
mod seeded;
mod socket;
mod standard_client;
mod stopping;
mod supervision;
mod two_servers;
