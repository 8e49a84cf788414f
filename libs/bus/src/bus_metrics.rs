use std::time::Duration;

use metrics::{
    Counter, Family, Gauge, Histogram, Labelled, MetricsRegistry, counters, delay_histogram, gauges, histograms,
    latency_histogram,
};

use crate::Queue;

/// The counters, histograms and gauges of the bus.
#[derive(Clone, Debug)]
pub(crate) struct BusMetrics {
    connections: Counter,
    published: Family<[(&'static str, String); 1], Counter>,
    refused: Counter,
    outbox_delay: Histogram,
    messages: Labelled<Counter, 2>,
    forbidden: Labelled<Counter>,
    apply: Labelled<Histogram>,
    lag: Labelled<Histogram>,
    depths: Labelled<Gauge>,
}

/// The outcome of a consumed message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Applied,
    Retried,
    Parked,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Applied, Self::Retried, Self::Parked];

    const fn label(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Retried => "retried",
            Self::Parked => "parked",
        }
    }
}

impl Default for BusMetrics {
    fn default() -> Self {
        Self {
            connections: Counter::default(),
            published: Family::default(),
            refused: Counter::default(),
            outbox_delay: delay_histogram(),
            messages: counters([]),
            forbidden: counters([]),
            apply: histograms(latency_histogram, []),
            lag: histograms(delay_histogram, []),
            depths: gauges(),
        }
    }
}

impl BusMetrics {
    pub(crate) fn register(&self, metrics: &MetricsRegistry) {
        metrics.register(
            "ticketing_broker_connections_total",
            "Connections made to the broker",
            self.connections.clone(),
        );
        metrics.register(
            "ticketing_events_published_total",
            "Messages confirmed by the broker, by type",
            self.published.clone(),
        );
        metrics.register(
            "ticketing_publish_refusals_total",
            "Messages refused by the broker; they are published again",
            self.refused.clone(),
        );
        metrics.register(
            "ticketing_outbox_delay_seconds",
            "Time from the append to the outbox to the broker's confirmation",
            self.outbox_delay.clone(),
        );
        metrics.register(
            "ticketing_messages_total",
            "Consumed messages by outcome: applied, retried (waits for another attempt), parked",
            self.messages.clone(),
        );
        metrics.register(
            "ticketing_forbidden_messages_total",
            "Messages parked because the user that published them may not publish that event",
            self.forbidden.clone(),
        );
        metrics.register(
            "ticketing_message_apply_seconds",
            "Time from the start of an attempt to its commit",
            self.apply.clone(),
        );
        metrics.register(
            "ticketing_message_lag_seconds",
            "Age of an event when it was applied; for timers, the time since their deadline",
            self.lag.clone(),
        );
        metrics.register(
            "ticketing_queue_messages",
            "Messages in the broker's queues of this service, without those delivered and not acknowledged",
            self.depths.clone(),
        );
    }

    /// Creates the series of all events that `service` publishes, so that they start at zero.
    pub(crate) fn create_publish_series(&self, service: &str) {
        for route in events::ROUTES.iter().filter(|route| route.publisher == service) {
            drop(self.published.get_or_create(&[("type", route.event.to_owned())]));
        }
    }

    /// Creates the series of `queues`, so that they start at zero.
    pub(crate) fn create_queue_series(&self, queues: impl Iterator<Item = Queue>) {
        for queue in queues.map(Queue::label) {
            for outcome in Outcome::ALL {
                drop(
                    self.messages
                        .get_or_create(&[("queue", queue), ("outcome", outcome.label())]),
                );
            }
            drop(self.forbidden.get_or_create(&[("queue", queue)]));
            drop(self.apply.get_or_create(&[("queue", queue)]));
            drop(self.lag.get_or_create(&[("queue", queue)]));
        }
    }

    pub(crate) fn count_connection(&self) {
        self.connections.inc();
    }

    pub(crate) fn observe_published(&self, event_type: &str, delay: Duration) {
        self.published.get_or_create(&[("type", event_type.to_owned())]).inc();
        self.outbox_delay.observe(delay.as_secs_f64());
    }

    pub(crate) fn count_refusal(&self) {
        self.refused.inc();
    }

    pub(crate) fn observe_applied(&self, queue: Queue, duration: Duration, lag: Duration) {
        self.count_outcome(queue, Outcome::Applied);
        let label = [("queue", queue.label())];
        self.apply.get_or_create(&label).observe(duration.as_secs_f64());
        self.lag.get_or_create(&label).observe(lag.as_secs_f64());
    }

    pub(crate) fn count_outcome(&self, queue: Queue, outcome: Outcome) {
        self.messages
            .get_or_create(&[("queue", queue.label()), ("outcome", outcome.label())])
            .inc();
    }

    pub(crate) fn count_forbidden(&self, queue: Queue) {
        self.forbidden.get_or_create(&[("queue", queue.label())]).inc();
    }

    pub(crate) fn set_queue_depth(&self, queue_label: &'static str, messages: u32) {
        self.depths
            .get_or_create(&[("queue", queue_label)])
            .set(messages.into());
    }

    /// Removes the series: without a connection the depths are unknown.
    pub(crate) fn clear_queue_depths(&self) {
        self.depths.clear();
    }
}
