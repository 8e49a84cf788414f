use std::time::Duration;

use metrics::{
    Counter, Family, Gauge, Histogram, Labelled, MetricsRegistry, counters, delay_histogram, gauges, histograms,
    latency_histogram,
};

use crate::Queue;

/// What the bus counts.
#[derive(Clone, Debug)]
pub(crate) struct Meters {
    connections: Counter,
    published: Family<[(&'static str, String); 1], Counter>,
    refused: Counter,
    outbox_delay: Histogram,
    messages: Labelled<Counter, 2>,
    apply: Labelled<Histogram>,
    lag: Labelled<Histogram>,
    depths: Labelled<Gauge>,
}

/// What became of a message that was not applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Retried,
    Parked,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            connections: Counter::default(),
            published: Family::default(),
            refused: Counter::default(),
            outbox_delay: delay_histogram(),
            messages: counters([]),
            apply: histograms(latency_histogram, []),
            lag: histograms(delay_histogram, []),
            depths: gauges(),
        }
    }
}

impl Meters {
    pub(crate) fn register(&self, metrics: &MetricsRegistry) {
        metrics.register(
            "ticketing_broker_connections_total",
            "How often a connection to the broker was made",
            self.connections.clone(),
        );
        metrics.register(
            "ticketing_events_published_total",
            "Messages that the broker has confirmed, by their type",
            self.published.clone(),
        );
        metrics.register(
            "ticketing_publish_refusals_total",
            "Messages that the broker did not take; they are published again",
            self.refused.clone(),
        );
        metrics.register(
            "ticketing_outbox_delay_seconds",
            "From saying something to the broker's confirmation",
            self.outbox_delay.clone(),
        );
        metrics.register(
            "ticketing_messages_total",
            "Messages that came, by what became of them: applied, retried (waits for another attempt), parked",
            self.messages.clone(),
        );
        metrics.register(
            "ticketing_message_apply_seconds",
            "How long a message took from its turn to its commit",
            self.apply.clone(),
        );
        metrics.register(
            "ticketing_message_lag_seconds",
            "How old an event was when it was applied; of timers: how long after their deadline",
            self.lag.clone(),
        );
        metrics.register(
            "ticketing_queue_messages",
            "Messages in the broker's queues of this service; those that were handed to it and not acknowledged are not counted",
            self.depths.clone(),
        );
    }

    /// Who says something: what is counted of it is there from the beginning.
    pub(crate) fn says(&self, service: &str) {
        for route in events::ROUTES.iter().filter(|route| route.publisher == service) {
            drop(self.published.get_or_create(&[("type", route.event.to_owned())]));
        }
    }

    /// The queues that are listened to: what is counted of them is there from the beginning.
    pub(crate) fn listens(&self, queues: impl Iterator<Item = Queue>) {
        for queue in queues.map(name) {
            for outcome in ["applied", "retried", "parked"] {
                drop(self.messages.get_or_create(&[("queue", queue), ("outcome", outcome)]));
            }
            drop(self.apply.get_or_create(&[("queue", queue)]));
            drop(self.lag.get_or_create(&[("queue", queue)]));
        }
    }

    pub(crate) fn connected(&self) {
        self.connections.inc();
    }

    pub(crate) fn published(&self, event_type: &str, delay: Duration) {
        self.published.get_or_create(&[("type", event_type.to_owned())]).inc();
        self.outbox_delay.observe(delay.as_secs_f64());
    }

    pub(crate) fn refused(&self) {
        self.refused.inc();
    }

    pub(crate) fn applied(&self, queue: Queue, took: Duration, lag: Duration) {
        let queue = name(queue);
        self.messages
            .get_or_create(&[("queue", queue), ("outcome", "applied")])
            .inc();
        self.apply
            .get_or_create(&[("queue", queue)])
            .observe(took.as_secs_f64());
        self.lag.get_or_create(&[("queue", queue)]).observe(lag.as_secs_f64());
    }

    pub(crate) fn put_aside(&self, queue: Queue, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Retried => "retried",
            Outcome::Parked => "parked",
        };
        self.messages
            .get_or_create(&[("queue", name(queue)), ("outcome", outcome)])
            .inc();
    }

    pub(crate) fn depth(&self, queue: &'static str, messages: u32) {
        self.depths.get_or_create(&[("queue", queue)]).set(messages.into());
    }

    /// Without a connection nobody knows.
    pub(crate) fn forget_depths(&self) {
        self.depths.clear();
    }
}

/// How a queue is labelled: the service's name is on every line anyway.
pub(crate) const fn name(queue: Queue) -> &'static str {
    match queue {
        Queue::Events => "events",
        Queue::Due => "timers",
    }
}
