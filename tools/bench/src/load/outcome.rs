use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;

use crate::{BenchResult, http::Response, processes::CpuTimes, statistics::float};

/// The longest latency that a histogram can hold, in nanoseconds.
const MAX_NANOSECONDS: u64 = 120_000_000_000;

/// The significant digits of a recorded latency.
const SIGNIFICANT_DIGITS: u8 = 3;

/// A histogram of latencies.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

impl Latencies {
    /// Creates an empty histogram.
    ///
    /// # Errors
    ///
    /// Never: the bounds are valid.
    pub fn new() -> BenchResult<Self> {
        Ok(Self(Histogram::new_with_bounds(
            1,
            MAX_NANOSECONDS,
            SIGNIFICANT_DIGITS,
        )?))
    }

    /// Adds a latency.
    pub fn record(&mut self, latency: Duration) {
        self.0
            .saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(MAX_NANOSECONDS));
    }

    /// Adds all latencies of another histogram.
    ///
    /// # Errors
    ///
    /// Never: all histograms have the same bounds.
    pub fn add(&mut self, other: &Self) -> BenchResult<()> {
        Ok(self.0.add(&other.0)?)
    }

    /// Returns the number of recorded latencies.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Returns the latency in milliseconds that `percent` of the requests did not exceed.
    pub fn percentile(&self, percent: f64) -> f64 {
        float(self.0.value_at_quantile(percent / 100.0)) / 1e6
    }

    /// Returns the longest latency in milliseconds.
    pub fn max(&self) -> f64 {
        float(self.0.max()) / 1e6
    }
}

/// What a load measured, from the end of the warm-up on.
#[derive(Clone, Debug, Default)]
pub struct LoadOutcome {
    /// The latencies by status.
    pub by_status: BTreeMap<u16, Latencies>,
    /// The time in which they were completed.
    pub elapsed: Duration,
    /// The processor time that each group of processes used meanwhile.
    pub cpu: CpuTimes,
    /// Bytes of the bodies that were received.
    pub body_bytes: u64,
}

impl LoadOutcome {
    /// Adds a response.
    pub(super) fn add(&mut self, response: &Response, latency: Duration) -> BenchResult<()> {
        self.body_bytes += u64::try_from(response.body.len()).unwrap_or(0);
        let latencies = match self.by_status.entry(response.status) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert(Latencies::new()?),
        };
        latencies.record(latency);
        Ok(())
    }

    /// Returns the latencies of responses with this status.
    ///
    /// # Errors
    ///
    /// There are none.
    pub fn with_status(&self, status: u16) -> BenchResult<&Latencies> {
        let statuses = || {
            self.by_status
                .iter()
                .map(|(status, all)| format!("{} × {status}", all.count()))
        };
        let found = self.by_status.get(&status);
        found.ok_or_else(|| format!("no response has status {status}: {:?}", statuses().collect::<Vec<_>>()).into())
    }

    /// Returns the number of responses with this status.
    pub fn count(&self, status: u16) -> u64 {
        self.by_status.get(&status).map_or(0, Latencies::count)
    }

    /// Returns the number of all responses.
    pub fn total(&self) -> u64 {
        self.by_status.values().map(Latencies::count).sum()
    }

    /// Returns the latencies of all responses.
    ///
    /// # Errors
    ///
    /// Never: all histograms have the same bounds.
    pub fn all(&self) -> BenchResult<Latencies> {
        let mut all = Latencies::new()?;
        for latencies in self.by_status.values() {
            all.add(latencies)?;
        }
        Ok(all)
    }

    /// Returns the number of responses with this status per second.
    pub fn rate(&self, status: u16) -> f64 {
        float(self.count(status)) / self.elapsed.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_latency_that_this_share_of_the_requests_did_not_exceed() {
        let mut latencies = Latencies::new().unwrap();
        for millis in 1..=1000 {
            latencies.record(Duration::from_millis(millis));
        }
        let is_close = |value: f64, expected: f64| (value / expected - 1.0).abs() < 0.002;
        assert!(
            is_close(latencies.percentile(50.0), 500.0),
            "{}",
            latencies.percentile(50.0)
        );
        assert!(
            is_close(latencies.percentile(99.0), 990.0),
            "{}",
            latencies.percentile(99.0)
        );
        assert!(is_close(latencies.max(), 1000.0));
        latencies.record(Duration::MAX);
        assert_eq!(latencies.count(), 1001);
    }
}
