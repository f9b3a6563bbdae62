//! The API's own client: requests, lists, mutations and subscriptions of an eventflows server.
//!
//! Every request, answer and wait has a bound, and a request that may be repeated is.

mod answer;
mod error;
mod https;
mod list;
mod mutation;
mod request;
mod subscription;
mod url;

pub use answer::GraphQlError;
pub use error::ClientError;
pub use https::{Connector, HttpsClient, https};
pub use mutation::{Mutation, Payload, UserError, input_type};
pub use request::Client;
pub use url::{ServerUrl, ServerUrlError};
