use metrics::{Counter, Gauge, Labelled, MetricsRegistry, counters, gauges};

/// The metrics of the read caches of a service.
#[derive(Clone, Debug)]
pub struct CacheMetrics {
    lookups: Labelled<Counter, 2>,
    size: Labelled<Gauge>,
}

impl Default for CacheMetrics {
    fn default() -> Self {
        Self {
            lookups: counters([]),
            size: gauges(),
        }
    }
}

impl CacheMetrics {
    /// Registers the metrics. Once for all caches of a service.
    pub fn of(metrics: &MetricsRegistry) -> Self {
        let all = Self::default();
        metrics.register(
            "ticketing_db_cached_reads_total",
            "Values that caches returned: stored ones, those of a read, those of another request's read",
            all.lookups.clone(),
        );
        metrics.register(
            "ticketing_db_cache_bytes",
            "The size of the values that are stored until the database changes",
            all.size.clone(),
        );
        all
    }

    pub(super) fn lookups(&self, cache: &'static str, outcome: &'static str) -> Counter {
        let labels = [("cache", cache), ("outcome", outcome)];
        self.lookups.get_or_create(&labels).clone()
    }

    pub(super) fn size(&self, cache: &'static str) -> Gauge {
        self.size.get_or_create(&[("cache", cache)]).clone()
    }
}
