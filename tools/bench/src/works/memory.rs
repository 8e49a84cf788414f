use std::time::Duration;

use super::reads::pick;
use crate::{
    BenchResult,
    load::{OpenLoop, Schedule, run_open},
    processes::resident_mebibytes,
    recorder::Recorder,
    results::Better,
    targets::Market,
};

/// 100,000 orders a minute.
const ORDERS_PER_SECOND: u32 = 1667;

/// The maximum number of orders in flight.
const CONNECTIONS: usize = 128;

/// The interval at which the memory is read.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Measures the highest resident memory while people order at a fixed rate.
///
/// # Errors
///
/// That of the load.
pub(super) async fn measure_memory(recorder: &mut Recorder, market: &Market) -> BenchResult<()> {
    let ticket = market.list_tickets("A busy night", 1_000_000).await?;
    let (before, orders) = (market.replicas()?, market.orders_of(&ticket));
    let plan = OpenLoop {
        addr: market.addr,
        schedule: Schedule::new(ORDERS_PER_SECOND, recorder.plan.memory),
        warm_up: Duration::ZERO,
        connections: CONNECTIONS,
        expected: &[201],
        watched: &market.watched,
    };
    let mut highest: f64 = 0.0;
    let outcome = {
        let load = run_open(plan, |number| pick(&orders, number));
        tokio::pin!(load);
        let mut ticks = tokio::time::interval(POLL_INTERVAL);
        loop {
            tokio::select! {
                outcome = &mut load => break outcome?,
                _ = ticks.tick() => highest = highest.max(resident_mebibytes(market.process)?),
            }
        }
    };
    let rate = outcome.rate(201);
    if rate < 0.95 * f64::from(ORDERS_PER_SECOND) {
        return Err(format!("{rate:.0} of {ORDERS_PER_SECOND} orders a second were placed").into());
    }
    recorder.record_load("memory.orders", &outcome, 201)?;
    recorder.record("memory.busy", "MiB", Better::Less, highest);
    market.wait_until_drained(&before).await
}
