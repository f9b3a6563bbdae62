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
mod dead_letters;
mod decisions;
mod desired;
mod doors;
mod endpoints;
mod events;
mod expressions;
mod gateway;
mod jobs;
mod leases;
mod lifecycle;
mod limits;
mod lists;
mod log_copy;
mod log_faults;
mod memory;
mod messages;
mod mutations;
mod ordering;
mod outages;
mod past;
mod positions;
mod refusals;
mod requests;
mod revisions;
mod seeded;
mod series;
mod socket;
mod standard_client;
mod stopping;
mod supervision;
mod topics;
mod transactions;
mod two_servers;
mod workflows;
