//! Metrics of a service as [OpenMetrics](https://prometheus.io/docs/specs/om/open_metrics_spec/) text for Prometheus.
//!
//! * Events are counted and timed when they happen: a [`Counter`], [`Gauge`] or [`Histogram`] is registered with the
//!   [`MetricsRegistry`] by its name, and updated by its owner.
//! * State (the length of a queue, the size of a file, the number of open orders) is not kept in memory but collected for
//!   each scrape, as [`Samples`].
//!
//! Each service has its own `MetricsRegistry`. The name of the service is a label of every line, because several services
//! may run in one process.

mod buckets;
mod names;
mod process;
mod registry;
mod samples;

pub use buckets::{batch_size_histogram, delay_histogram, latency_histogram};
pub use process::collect_process_metrics;
pub use prometheus_client::{
    encoding::{EncodeLabelSet, LabelSetEncoder},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};
pub use registry::{CONTENT_TYPE, MetricsRegistry};
pub use samples::Samples;

/// Metrics of one name that differ in `N` labels with values fixed at compile time.
pub type Labelled<M, const N: usize = 1> = Family<[(&'static str, &'static str); N], M, fn() -> M>;

/// Counters of one name, all exported from the start: a counter that appears with its first event hides that event from
/// `increase()` (<https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics>).
pub fn counters<const N: usize>(
    all: impl IntoIterator<Item = [(&'static str, &'static str); N]>,
) -> Labelled<Counter, N> {
    labelled(Counter::default, all)
}

/// Histograms of one name, all exported from the start.
pub fn histograms<const N: usize>(
    new: fn() -> Histogram,
    all: impl IntoIterator<Item = [(&'static str, &'static str); N]>,
) -> Labelled<Histogram, N> {
    labelled(new, all)
}

/// Gauges of one name, each exported once it is set.
pub fn gauges<const N: usize>() -> Labelled<Gauge, N> {
    labelled(Gauge::default, [])
}

fn labelled<M, const N: usize>(
    new: fn() -> M,
    all: impl IntoIterator<Item = [(&'static str, &'static str); N]>,
) -> Labelled<M, N> {
    let family = Family::new_with_constructor(new);
    for labels in all {
        drop(family.get_or_create(&labels));
    }
    family
}
