//! Connecting a broker under a name that is free.

use domain::broker::{Broker, BrokerSettings, ConnectBroker, DiscoverTopics, DiscoveredTopic};
use domain::{BrokerId, BrokerName, StreamName};

use crate::discover::part_of;
use crate::execute::{Engine, Failure, Outcome, Request};

/// How many brokers in a row may bear one name.
const MOST_GENERATIONS: u32 = 10_000;

/// A broker to connect, and what a worker found there.
#[derive(Clone, Debug)]
pub struct NewBroker {
    pub name: BrokerName,
    pub settings: BrokerSettings,
    pub probe: Result<Vec<DiscoveredTopic>, String>,
}

impl Engine {
    /// Connects a broker. A name is free when no connected broker bears it; the new broker is
    /// then the next generation of that name.
    ///
    /// # Errors
    /// The log cannot be read or appended to.
    pub async fn connect(
        &self,
        new: NewBroker,
        request: &Request,
    ) -> Result<(BrokerId, Outcome), Failure> {
        let broker = self.next_generation(&new.name).await?;
        let discover = DiscoverTopics {
            broker,
            probe: new.probe.clone(),
        };
        let command = ConnectBroker {
            broker,
            name: new.name,
            settings: new.settings,
            probe: new.probe,
        };
        let first = part_of(request, u32::MAX);
        // A request that was interrupted continues, however many topics are found this time.
        let begun = self.done_before(&first).await?.is_some();
        if !begun && discover.fits(&Broker::default()) {
            return Ok((broker, self.execute(&command, request).await?));
        }
        // First the broker, with as many topics as fit its append; then the rest, as a discovery.
        let outcome = self.execute(&command, &first).await?;
        if !matches!(outcome, Outcome::Accepted(_)) {
            return Ok((broker, outcome));
        }
        Ok((broker, self.discover(&discover, request).await?))
    }

    /// The connected broker that bears `name`, else the one that would be next.
    ///
    /// Generations are contiguous, so the last one is found by doubling and halving.
    ///
    /// # Errors
    /// The log cannot be read, or the name is worn out.
    pub async fn next_generation(&self, name: &BrokerName) -> Result<BrokerId, Failure> {
        let ended = async |generation: u32| -> Result<bool, Failure> {
            let stream = StreamName::broker(BrokerId::of_name(name, generation));
            let state: Broker = self.fold(&stream).await?;
            Ok(state.phase == domain::broker::Phase::Ended)
        };
        let mut beyond = 1;
        while beyond < MOST_GENERATIONS && ended(beyond - 1).await? {
            beyond *= 2;
        }
        // All below `free` have ended; `beyond - 1` has not.
        let (mut free, mut beyond) = (beyond / 2, beyond - 1);
        while free < beyond {
            let middle = free.midpoint(beyond);
            if ended(middle).await? {
                free = middle + 1;
            } else {
                beyond = middle;
            }
        }
        Ok(BrokerId::of_name(name, free))
    }
}
