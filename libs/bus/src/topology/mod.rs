//! The exchanges and queues in the broker: their names, their arguments and their declaration.

mod declaration;
mod definitions;
mod delay_ladder;
mod namespace;
mod queue_arguments;

pub(crate) use declaration::Topology;
pub use definitions::BrokerDefinitions;
pub use delay_ladder::DelayLadder;
pub(crate) use namespace::services_with_queues;
pub use namespace::{MalformedNamespace, Namespace};
pub(crate) use queue_arguments::DEFAULT_EXCHANGE;
