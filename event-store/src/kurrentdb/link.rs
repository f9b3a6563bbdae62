//! A client of KurrentDB that is replaced after every failure.
//!
//! A client whose first connection failed stays closed for ever, and one of a cluster stays with
//! the node it first chose, gone or not.

use std::sync::{Mutex, PoisonError};

use kurrentdb::{Client, ClientSettings};

use super::address::Address;
use super::failure::Failure;

pub(super) struct Link {
    settings: ClientSettings,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    client: Option<Client>,
    /// How many were made.
    made: u64,
}

/// A client, and which of a link's it is.
pub(super) struct Linked {
    pub(super) client: Client,
    number: u64,
}

impl Link {
    /// A link that connects with its first use.
    pub(super) fn new(address: &Address) -> Self {
        Self {
            settings: address.settings.clone(),
            current: Mutex::default(),
        }
    }

    /// The client, made where there is none. It lives on the runtime that this is called on.
    pub(super) fn client(&self) -> Result<Linked, Failure> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.client.is_none() {
            choose_tls();
            let client = Client::new(self.settings.clone());
            current.client = Some(client.map_err(|error| Failure::Client(error.to_string()))?);
            current.made += 1;
        }
        let client = current.client.clone();
        Ok(Linked {
            client: client.expect("a client was made where there was none"),
            number: current.made,
        })
    }

    /// Gives up `failed`, unless another one has taken its place.
    pub(super) fn give_up(&self, failed: &Linked) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.made == failed.number {
            current.client = None;
        }
    }
}

/// Settles what the process speaks TLS with, unless that is settled: left alone, the client would
/// do it in passing.
fn choose_tls() {
    // An error means that it is settled.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
