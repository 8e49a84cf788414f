//! What `/metrics` tells: [OpenMetrics](https://prometheus.io/docs/specs/om/open_metrics_spec/) text for Prometheus.
//!
//! * What happens is counted and timed as it happens: a [`Counter`], [`Gauge`] or [`Histogram`] is given to
//!   [`MetricsRegistry`] by its name, and kept by whoever counts.
//! * What *is* (a queue's length, a file's size, how many orders are open) is not kept in memory but looked up for each
//!   scrape: [`Samples`].
//!
//! Each service has a `MetricsRegistry` of its own, and its name on every line, so that several of them in one process can be
//! told apart.

mod buckets;
mod names;
mod process;
mod registry;
mod samples;

pub use buckets::{ages, latencies, sizes};
pub use process::read_process;
pub use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};
pub use registry::{CONTENT_TYPE, MetricsRegistry};
pub use samples::Samples;

/// Metrics of one name that differ in `N` labels with values fixed at compile time.
pub type Labelled<M, const N: usize = 1> = Family<[(&'static str, &'static str); N], M, fn() -> M>;

/// Counters of one name, each there from the beginning: one that first appears with its first event hides that event
/// from `increase()` (<https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics>).
pub fn counters<const N: usize>(
    all: impl IntoIterator<Item = [(&'static str, &'static str); N]>,
) -> Labelled<Counter, N> {
    labelled(Counter::default, all)
}

/// Histograms of one name, each there from the beginning.
pub fn histograms<const N: usize>(
    new: fn() -> Histogram,
    all: impl IntoIterator<Item = [(&'static str, &'static str); N]>,
) -> Labelled<Histogram, N> {
    labelled(new, all)
}

/// Gauges of one name, none there before it is set.
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
