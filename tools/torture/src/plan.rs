//! The plan of a round: which fault begins when. It is a function of the seed.

use std::{fmt, ops::Range, time::Duration};

use drill::{SERVICES, random::Random};

use crate::fault::{Disturbance, Fault, Link};

/// A fault and its beginning, counted from the beginning of the round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Step {
    pub(crate) at: Duration,
    pub(crate) fault: Fault,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>3}.{:03} s  {}",
            self.at.as_secs(),
            self.at.subsec_millis(),
            self.fault
        )
    }
}

/// Returns the faults of a round, in the order of their beginnings.
///
/// What a fault hits has time to recover before the next one hits it; faults of different parts overlap.
pub(crate) fn plan(seed: u64, length: Duration) -> Vec<Step> {
    let mut steps: Vec<_> = SERVICES
        .iter()
        .zip(0..)
        .flat_map(|(service, number)| Sequence::new(seed, number, length).service_faults(service))
        .collect();
    steps.extend(Sequence::new(seed, 10, length).broker_faults());
    steps.extend(Sequence::new(seed, 20, length).disturbances());
    steps.extend(Sequence::new(seed, 21, length).disturbances());
    steps.extend(Sequence::new(seed, 30, length).full_disks());
    steps.extend(Sequence::new(seed, 40, length).purges());
    steps.sort_by_key(|step| step.at);
    steps
}

/// The faults of one part, one after the other.
struct Sequence {
    random: Random,
    at: Duration,
    length: Duration,
}

impl Sequence {
    fn new(seed: u64, number: u64, length: Duration) -> Self {
        // The generator mixes neighbouring seeds well, but its sequences of neighbouring seeds overlap.
        let start = Random::new(seed ^ number.rotate_right(16)).below(u64::MAX);
        Self {
            random: Random::new(start),
            at: Duration::ZERO,
            length,
        }
    }

    /// Returns a duration in a range of milliseconds.
    fn duration(&self, milliseconds: Range<u64>) -> Duration {
        let width = milliseconds.end.saturating_sub(milliseconds.start);
        Duration::from_millis(milliseconds.start + self.random.below(width))
    }

    /// Advances by a pause; `None` at the end of the round.
    fn pause(&mut self, milliseconds: Range<u64>) -> Option<()> {
        self.at += self.duration(milliseconds);
        (self.at < self.length).then_some(())
    }

    /// Returns a step now, and advances by the time that the fault lasts.
    fn step(&mut self, fault: Fault, lasts: Duration) -> Step {
        let step = Step { at: self.at, fault };
        self.at += lasts;
        step
    }

    /// Kills a service, or pauses it. One time in five it is hit again while it starts.
    fn service_faults(mut self, service: &'static str) -> impl Iterator<Item = Step> {
        std::iter::from_fn(move || {
            let is_first = self.at.is_zero();
            let is_soon = !is_first && self.random.percent(20);
            self.pause(if is_soon { 20..400 } else { 1000..5000 })?;
            if !is_first && self.random.percent(15) {
                let lasts = self.duration(200..2500);
                return Some(self.step(Fault::PauseService { service, lasts }, lasts));
            }
            let down = if self.random.percent(50) {
                Duration::ZERO
            } else {
                self.duration(50..1000)
            };
            Some(self.step(Fault::KillService { service, down }, down))
        })
    }

    /// Kills the broker, or pauses it. It needs seconds to start, and services seconds more to connect again.
    fn broker_faults(mut self) -> impl Iterator<Item = Step> {
        std::iter::from_fn(move || {
            let is_first = self.at.is_zero();
            self.pause(if is_first { 2500..5000 } else { 11_000..18_000 })?;
            if !is_first && self.random.percent(20) {
                let lasts = self.duration(500..4000);
                return Some(self.step(Fault::PauseBroker { lasts }, lasts));
            }
            let down = self.duration(0..1500);
            Some(self.step(Fault::KillBroker { down }, down))
        })
    }

    fn disturbances(mut self) -> impl Iterator<Item = Step> {
        std::iter::from_fn(move || {
            self.pause(300..2500)?;
            let service = *self.random.choose(&SERVICES)?;
            let link = match self.random.below(10) {
                0..5 => Link::Broker(service),
                5..8 => Link::Clients(service),
                _ => Link::Stripe,
            };
            let disturbance = match self.random.below(10) {
                0..5 => Disturbance::Cut,
                5..8 => Disturbance::Slow(self.duration(5..200)),
                _ => Disturbance::Stall,
            };
            let lasts = self.duration(50..2500);
            let fault = Fault::Disturb {
                link,
                disturbance,
                lasts,
            };
            Some(self.step(fault, lasts))
        })
    }

    fn full_disks(mut self) -> impl Iterator<Item = Step> {
        std::iter::from_fn(move || {
            self.pause(2000..9000)?;
            let lasts = self.duration(300..2500);
            Some(self.step(Fault::FillDisk { lasts }, lasts))
        })
    }

    fn purges(mut self) -> impl Iterator<Item = Step> {
        std::iter::from_fn(move || {
            self.pause(2000..6000)?;
            Some(self.step(Fault::PurgeTimers, Duration::ZERO))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const LENGTH: Duration = Duration::from_secs(20);

    /// Returns the part that a fault hits, and the time for which it lasts.
    fn part(fault: Fault) -> (String, Duration) {
        match fault {
            Fault::KillService { service, down } => (service.to_owned(), down),
            Fault::PauseService { service, lasts } => (service.to_owned(), lasts),
            Fault::KillBroker { down } => ("broker".to_owned(), down),
            Fault::PauseBroker { lasts } => ("broker".to_owned(), lasts),
            Fault::Disturb { link, lasts, .. } => (link.to_string(), lasts),
            Fault::FillDisk { lasts } => ("disk".to_owned(), lasts),
            Fault::PurgeTimers => ("timers".to_owned(), Duration::ZERO),
        }
    }

    #[test]
    fn a_plan_follows_from_its_seed() {
        for seed in 0..100 {
            assert_eq!(plan(seed, LENGTH), plan(seed, LENGTH));
        }
        let different: BTreeSet<_> = (0..100).map(|seed| format!("{:?}", plan(seed, LENGTH))).collect();
        assert_eq!(different.len(), 100);
    }

    #[test]
    fn a_longer_round_begins_like_a_shorter_one() {
        let (short, long) = (plan(7, LENGTH), plan(7, LENGTH * 2));
        assert!(short.len() < long.len());
        assert_eq!(
            long.iter().filter(|step| step.at < LENGTH).copied().collect::<Vec<_>>(),
            short
        );
    }

    #[test]
    fn services_and_broker_are_hit_one_fault_after_the_other() {
        for seed in 0..500 {
            let steps = plan(seed, LENGTH);
            for name in SERVICES.into_iter().chain(["broker", "disk"]) {
                let own: Vec<_> = steps.iter().filter(|step| part(step.fault).0 == name).collect();
                for pair in own.windows(2) {
                    let ended = pair[0].at + part(pair[0].fault).1;
                    assert!(ended < pair[1].at, "{seed}: {} and {}", pair[0], pair[1]);
                }
            }
        }
    }

    #[test]
    fn every_round_kills_every_service_and_the_broker() {
        for seed in 0..500 {
            let steps = plan(seed, LENGTH);
            let is_killed = |name: &str| {
                steps
                    .iter()
                    .any(|step| matches!(step.fault, Fault::KillService { service, .. } if service == name))
            };
            assert!(SERVICES.into_iter().all(is_killed), "{seed}");
            assert!(steps.iter().any(|step| matches!(step.fault, Fault::KillBroker { .. })));
            assert!(steps.iter().any(|step| matches!(step.fault, Fault::FillDisk { .. })));
            assert!(steps.iter().any(|step| step.fault == Fault::PurgeTimers));
            assert!(steps.len() < 150, "{seed}: {}", steps.len());
        }
    }
}
