//! The contract of the port against Kafka: an embedded one, and a real one.

mod kafka {
    mod batches;
    mod embedded;
    #[cfg(test)]
    mod java;
    mod positions;
    mod real;
    mod status;
}
