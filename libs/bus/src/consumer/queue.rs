use crate::{EventHandler, Namespace};

/// A queue and the handler of its messages.
pub struct Consumer {
    /// The queue to consume.
    pub queue: Queue,
    /// The handler of each message.
    pub handler: EventHandler,
}

/// A queue that a service can consume.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Queue {
    /// The events that the service subscribes to ([`events::subscriptions`]).
    Events,
    /// The service's timers that have passed a delay level ([`Config::delay_ladder`](crate::Config::delay_ladder)).
    Timers,
}

impl Queue {
    /// Returns the value of the metrics' `queue` label; the service's name is a label of its own.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Timers => "timers",
        }
    }

    /// Returns the queue's name in the broker.
    pub(crate) fn name(self, namespace: &Namespace, service: &str) -> String {
        match self {
            Self::Events => namespace.service_queue(service),
            Self::Timers => namespace.due_queue(service),
        }
    }
}
