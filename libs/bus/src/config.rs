use std::time::Duration;

use values::Timestamp;

use crate::{BrokerLocator, Consumer, DelayLadder, Namespace, Recovery};

/// Delays before the first, the second and the last retry of a failed message.
pub const RETRY_DELAYS: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(30), Duration::from_mins(5)];

values::text_enum! {
    /// Who declares the exchanges and queues.
    #[derive(Default)]
    pub enum TopologyMode {
        /// The service, whenever it connects. Its user needs permission to configure, and to publish to the default exchange.
        #[default]
        Declare = "declare",
        /// An operator, from [`BrokerDefinitions`](crate::BrokerDefinitions). The service only checks that they exist.
        Existing = "existing",
    }
}

/// The configuration of a service's [`Bus`](crate::Bus).
pub struct Config {
    /// The address of the broker.
    pub broker: BrokerLocator,
    /// The prefix of all names in the broker.
    pub namespace: Namespace,
    /// Who declares the exchanges and queues.
    pub topology: TopologyMode,
    /// Messages without a user (from releases that set none) are accepted until then.
    pub unidentified_until: Option<Timestamp>,
    /// Whether several events share a message. Releases up to 0.1 read messages of one event only.
    pub event_batches: bool,
    /// The name of the service.
    pub service: &'static str,
    /// The delay levels of the service's timers, if it has timers. At most one service of a namespace can have them.
    pub delay_ladder: Option<DelayLadder>,
    /// The delays before a failed message is retried; usually [`RETRY_DELAYS`].
    pub retry_delays: [Duration; 3],
    /// The queues to consume.
    pub consumers: Vec<Consumer>,
    /// The recovery to run first, if the database was restored from a backup.
    pub recovery: Option<Recovery>,
}
