use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;

use crate::{
    BenchResult,
    load::{ClosedLoop, LoadOutcome, run_closed},
    plan::Plan,
    processes::Watched,
    progress::Progress,
    results::{Better, Results},
    statistics::{float, number},
};

/// Measures rounds, and records what they measured.
#[derive(Debug)]
pub struct Recorder {
    /// How much is measured.
    pub plan: Plan,
    /// What was measured so far.
    pub results: Results,
    /// Prints each figure.
    pub progress: Progress,
}

impl Recorder {
    /// Runs a closed loop for one round, and records rate, latencies and processor time of the responses with `status`.
    /// Any other status fails the run.
    ///
    /// # Errors
    ///
    /// That of the load.
    pub async fn closed_round(
        &mut self,
        id: &str,
        addr: SocketAddr,
        watched: &Watched,
        clients: usize,
        status: u16,
        request: impl Fn(u64) -> Bytes,
    ) -> BenchResult<LoadOutcome> {
        self.closed_rounds_of(id, addr, watched, clients, status, u64::MAX, request)
            .await
    }

    /// As [`closed_round`](Self::closed_round), with at most `max_requests` requests.
    ///
    /// # Errors
    ///
    /// That of the load.
    #[expect(clippy::too_many_arguments, reason = "what a round is")]
    pub async fn closed_rounds_of(
        &mut self,
        id: &str,
        addr: SocketAddr,
        watched: &Watched,
        clients: usize,
        status: u16,
        max_requests: u64,
        request: impl Fn(u64) -> Bytes,
    ) -> BenchResult<LoadOutcome> {
        let plan = ClosedLoop {
            addr,
            clients,
            warm_up: self.plan.warm_up,
            duration: self.plan.round,
            max_requests,
            expected: &[status],
            watched,
        };
        let outcome = run_closed(plan, request)
            .await
            .map_err(|error| format!("{id}: {error}"))?;
        self.record_load(id, &outcome, status)?;
        Ok(outcome)
    }

    /// Records rate, latencies and processor time of the responses with `status`.
    ///
    /// # Errors
    ///
    /// There are none.
    pub fn record_load(&mut self, id: &str, outcome: &LoadOutcome, status: u16) -> BenchResult<()> {
        let latencies = outcome.with_status(status).map_err(|error| format!("{id}: {error}"))?;
        let rate = outcome.rate(status);
        let (p50, p99, max) = (latencies.percentile(50.0), latencies.percentile(99.0), latencies.max());
        self.results.add(&format!("{id}.rate"), "per s", Better::More, rate);
        self.results.add(&format!("{id}.p50"), "ms", Better::Less, p50);
        self.results.add(&format!("{id}.p99"), "ms", Better::Less, p99);
        self.results.add(&format!("{id}.max"), "ms", Better::Less, max);
        let mut shares = Vec::new();
        for (group, time) in outcome.cpu.iter() {
            let micros = time.as_secs_f64() * 1e6 / float(outcome.total().max(1));
            self.results.add(
                &format!("{id}.cpu.{group}"),
                "µs of processor per request",
                Better::Less,
                micros,
            );
            shares.push(format!("{group} {}", number(micros)));
        }
        self.progress.report(format!(
            "{id:<20} {:>9} per s   p50 {:>7} ms   p99 {:>7} ms   max {:>7} ms   µs of processor: {}",
            number(rate),
            number(p50),
            number(p99),
            number(max),
            shares.join(", ")
        ));
        Ok(())
    }

    /// Records one value.
    pub fn record(&mut self, id: &str, unit: &str, better: Better, value: f64) {
        self.results.add(id, unit, better, value);
        self.progress.report(format!("{id:<20} {:>9} {unit}", number(value)));
    }

    /// Records a duration in seconds, of which shorter ones are better.
    pub fn record_seconds(&mut self, id: &str, duration: Duration) {
        self.record(id, "s", Better::Less, duration.as_secs_f64());
    }
}
