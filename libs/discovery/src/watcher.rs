use std::time::Duration;

use backoff::Backoff;
use tokio::{sync::watch, time::Instant};

use crate::{Consul, ServiceName, consul::ConsulResult, resolver::Resolution};

/// The delays after failed queries.
const FIRST_RETRY: Duration = Duration::from_millis(200);
const LONGEST_RETRY: Duration = Duration::from_secs(10);

/// How often and for how long Consul is queried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueryTiming {
    /// The longest time that Consul waits for a change. The index of a replaced Consul is detected after that. Less than
    /// the minute after which a proxy may close a silent connection.
    pub(crate) max_wait: Duration,
    /// The shortest time between two queries, however often the instances change.
    pub(crate) min_interval: Duration,
}

impl QueryTiming {
    pub(crate) const DEFAULT: Self = Self {
        max_wait: Duration::from_secs(15),
        min_interval: Duration::from_millis(250),
    };
}

/// Queries Consul repeatedly for one service, and stores the results.
pub(crate) struct Watcher {
    consul: Consul,
    service: ServiceName,
    timing: QueryTiming,
    resolution: watch::Sender<Resolution>,
    /// The index of the last result: Consul's blocking queries wait for a later one.
    index: u64,
    /// The last result had no healthy instance. Logged once.
    no_instance: bool,
}

impl Watcher {
    pub(crate) const fn new(
        consul: Consul,
        service: ServiceName,
        timing: QueryTiming,
        resolution: watch::Sender<Resolution>,
    ) -> Self {
        Self {
            consul,
            service,
            timing,
            resolution,
            index: 0,
            no_instance: false,
        }
    }

    /// Queries for ever.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::new(FIRST_RETRY, LONGEST_RETRY);
        loop {
            let began = Instant::now();
            let delay = match self.consul.query(&self.service, self.index, self.timing.max_wait).await {
                Ok(result) => {
                    self.store(result);
                    backoff.reset();
                    backoff
                        .jittered(self.timing.min_interval)
                        .saturating_sub(began.elapsed())
                }
                Err(reason) => {
                    self.store_failure(reason);
                    backoff.next_delay()
                }
            };
            tokio::time::sleep(delay).await;
        }
    }

    fn store(&mut self, ConsulResult { index, instances }: ConsulResult) {
        // An index that goes back is that of a Consul that was restored or replaced: its indexes restart. A response
        // without an index counts as 0, so that the next query is not answered at once again and again.
        self.index = if index < self.index { 0 } else { index };
        let service = &self.service;
        let none = instances.is_empty();
        self.resolution.send_if_modified(|resolution| {
            let recovered = resolution.failure.take().is_some();
            if recovered {
                tracing::info!(%service, "Consul answers again");
            }
            // The instances that were last healthy are kept: the checks may only be late.
            let moved = !none && resolution.instances != instances;
            if moved {
                tracing::info!(%service, at = %joined(&instances), "found by Consul");
                resolution.instances = instances;
            }
            recovered || moved
        });
        if none && !self.no_instance {
            tracing::warn!(%service, "no healthy instance, using the last known addresses");
        }
        self.no_instance = none;
    }

    /// Keeps the instances. The next query does not wait for a change, because one may have been missed.
    fn store_failure(&mut self, reason: String) {
        self.index = 0;
        self.resolution.send_if_modified(|resolution| {
            let changed = resolution.failure.as_ref() != Some(&reason);
            if changed {
                tracing::warn!(service = %self.service, reason, "Consul query failed, using the last known addresses");
                resolution.failure = Some(reason);
            }
            changed
        });
    }
}

fn joined(instances: &[crate::Address]) -> String {
    instances.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
