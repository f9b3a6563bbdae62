//! The worker through its public door, with a control plane, a broker and an endpoint of the test's.

#[cfg(test)]
mod age;
#[cfg(test)]
mod batches;
#[cfg(test)]
mod blame;
#[cfg(test)]
mod broker;
#[cfg(test)]
mod dead_letters;
#[cfg(test)]
mod direct;
#[cfg(test)]
mod endpoint;
#[cfg(test)]
mod expressions;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod model_servers;
#[cfg(test)]
mod ordering;
#[cfg(test)]
mod outputs;
#[cfg(test)]
mod permits;
#[cfg(test)]
mod plane;
#[cfg(test)]
mod reset;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod statuses;
#[cfg(test)]
mod stopping;
#[cfg(test)]
mod world;
