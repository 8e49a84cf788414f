use std::{collections::BTreeMap, sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::names::parts;

type Labels = Vec<(&'static str, String)>;

/// What was looked up for one scrape.
#[derive(Debug, Default)]
pub struct Samples(BTreeMap<&'static str, (&'static str, Kind)>);

#[derive(Debug)]
enum Kind {
    Whole(Family<Labels, Gauge>),
    SoFar(Counter),
    Seconds(Family<Labels, Gauge<f64, AtomicU64>>),
    SecondsSoFar(Family<Labels, Counter<f64, AtomicU64>>),
}

impl Samples {
    /// How many or how much of something there is. A name may come again with other labels.
    pub fn gauge(&mut self, name: &'static str, help: &'static str, labels: &[(&'static str, &str)], value: i64) {
        let (_, kind) = self
            .0
            .entry(name)
            .or_insert_with(|| (help, Kind::Whole(Family::default())));
        if let Kind::Whole(family) = kind {
            family.get_or_create(&owned(labels)).set(value);
        }
    }

    /// How long something is.
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
            .or_insert_with(|| (help, Kind::Seconds(Family::default())));
        if let Kind::Seconds(family) = kind {
            family.get_or_create(&owned(labels)).set(value.as_secs_f64());
        }
    }

    /// How much time something has taken in all.
    pub fn counter_seconds(&mut self, name: &'static str, help: &'static str, value: Duration) {
        let (_, kind) = self
            .0
            .entry(name)
            .or_insert_with(|| (help, Kind::SecondsSoFar(Family::default())));
        if let Kind::SecondsSoFar(family) = kind {
            family.get_or_create(&Vec::new()).inc_by(value.as_secs_f64());
        }
    }

    /// How often something has happened in all.
    pub fn counter(&mut self, name: &'static str, help: &'static str, value: u64) {
        let counter = Counter::default();
        counter.inc_by(value);
        self.0.insert(name, (help, Kind::SoFar(counter)));
    }

    /// What was read elsewhere as well, under other names.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    pub(crate) fn register(self, registry: &mut Registry) {
        for (name, (help, kind)) in self.0 {
            let (name, unit) = parts(name);
            match (kind, unit) {
                (Kind::Whole(family), Some(unit)) => registry.register_with_unit(name, help, unit, family),
                (Kind::Whole(family), None) => registry.register(name, help, family),
                (Kind::SoFar(counter), _) => registry.register(name, help, counter),
                (Kind::Seconds(family), Some(unit)) => registry.register_with_unit(name, help, unit, family),
                (Kind::Seconds(family), None) => registry.register(name, help, family),
                (Kind::SecondsSoFar(family), Some(unit)) => registry.register_with_unit(name, help, unit, family),
                (Kind::SecondsSoFar(family), None) => registry.register(name, help, family),
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
