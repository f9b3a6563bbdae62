//! Message brokers behind one port. The only crate that knows a broker's SDK, and it knows
//! nothing else of ours.

pub mod contract;
pub mod kafka;
mod memory;
mod metadata;
pub mod offsets;
pub mod port;
pub mod positions;
mod status;

pub use memory::{Memory, Room};
pub use metadata::{CloudEvent, Metadata, is_structured_event};
pub use port::{
    Backlog, Broker, BrokerError, Delivery, Hold, Identity, Message, Outgoing, Sink, Source,
    SourceSettings, Start, TopicInfo,
};
pub use positions::{Beginning, Cause, Fingerprint, Positions, PositionsError, Standing};
pub use status::{Lag, SourceState, SourceStatus};
