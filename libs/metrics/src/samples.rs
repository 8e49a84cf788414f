use std::{collections::BTreeMap, sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::names::split_name;

type Labels = Vec<(&'static str, String)>;

/// Metrics that were collected for one scrape.
#[derive(Debug, Default)]
pub struct Samples(BTreeMap<&'static str, (&'static str, Kind)>);

#[derive(Debug)]
enum Kind {
    Gauge(Family<Labels, Gauge>),
    Counter(Counter),
    GaugeSeconds(Family<Labels, Gauge<f64, AtomicU64>>),
    CounterSeconds(Family<Labels, Counter<f64, AtomicU64>>),
}

impl Samples {
    /// Adds a gauge. A name may be added again with other labels.
    pub fn gauge(&mut self, name: &'static str, help: &'static str, labels: &[(&'static str, &str)], value: i64) {
        let (_, kind) = self
            .0
            .entry(name)
            .or_insert_with(|| (help, Kind::Gauge(Family::default())));
        if let Kind::Gauge(family) = kind {
            family.get_or_create(&owned(labels)).set(value);
        }
    }

    /// Adds a gauge of a duration, in seconds.
    pub fn seconds(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        value: Duration,
    ) {
        let (_, kind) = self
            .0
            .entry(name)
            .or_insert_with(|| (help, Kind::GaugeSeconds(Family::default())));
        if let Kind::GaugeSeconds(family) = kind {
            family.get_or_create(&owned(labels)).set(value.as_secs_f64());
        }
    }

    /// Adds a counter of a total duration, in seconds.
    pub fn counter_seconds(&mut self, name: &'static str, help: &'static str, value: Duration) {
        let (_, kind) = self
            .0
            .entry(name)
            .or_insert_with(|| (help, Kind::CounterSeconds(Family::default())));
        if let Kind::CounterSeconds(family) = kind {
            family.get_or_create(&Vec::new()).inc_by(value.as_secs_f64());
        }
    }

    /// Adds a counter of events.
    pub fn counter(&mut self, name: &'static str, help: &'static str, value: u64) {
        let counter = Counter::default();
        counter.inc_by(value);
        self.0.insert(name, (help, Kind::Counter(counter)));
    }

    /// Adds all samples of `other`, which have other names.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn register(self, registry: &mut Registry) {
        for (name, (help, kind)) in self.0 {
            let (name, unit) = split_name(name);
            match (kind, unit) {
                (Kind::Gauge(family), Some(unit)) => registry.register_with_unit(name, help, unit, family),
                (Kind::Gauge(family), None) => registry.register(name, help, family),
                (Kind::Counter(counter), _) => registry.register(name, help, counter),
                (Kind::GaugeSeconds(family), Some(unit)) => registry.register_with_unit(name, help, unit, family),
                (Kind::GaugeSeconds(family), None) => registry.register(name, help, family),
                (Kind::CounterSeconds(family), Some(unit)) => registry.register_with_unit(name, help, unit, family),
                (Kind::CounterSeconds(family), None) => registry.register(name, help, family),
            }
        }
    }
}

fn owned(labels: &[(&'static str, &str)]) -> Labels {
    labels
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}
