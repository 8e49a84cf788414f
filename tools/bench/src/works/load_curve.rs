use bytes::Bytes;

use super::{PAGE, reads::pick};
use crate::{
    BenchResult,
    load::{ClosedLoop, OpenLoop, Schedule, run_closed, run_open},
    processes::MachineTime,
    recorder::Recorder,
    results::{Better, Curve, Series},
    statistics::median,
    targets::Market,
};

/// The maximum number of requests in flight.
const CONNECTIONS: usize = 128;

/// Measures latencies by load, as an open loop at parts of the highest rate.
///
/// # Errors
///
/// That of the load.
pub async fn measure_loads(recorder: &mut Recorder, market: &Market) -> BenchResult<()> {
    let page = market.get(PAGE);
    measure_curve(recorder, market, ("load.page", "GET page of 20 tickets"), 200, |_| {
        page.clone()
    })
    .await?;
    let ticket = market.list_tickets("A long night", 1_000_000).await?;
    let orders = market.orders_of(&ticket);
    let order = |number| pick(&orders, number);
    measure_curve(recorder, market, ("load.order", "POST order"), 201, order).await
}

async fn measure_curve(
    recorder: &mut Recorder,
    market: &Market,
    (id, title): (&str, &str),
    status: u16,
    request: impl Fn(u64) -> Bytes,
) -> BenchResult<()> {
    let (warm_up, round) = (recorder.plan.warm_up, recorder.plan.round);
    let before = market.replicas()?;
    let mut points: Vec<_> = recorder.plan.loads.iter().map(|_| Point::default()).collect();
    for _ in 0..recorder.plan.repetitions {
        // Each repetition has a highest rate of its own, so that the spread of its parts shows how much that varies.
        let closed = ClosedLoop {
            addr: market.addr,
            clients: 32,
            warm_up,
            duration: round,
            max_requests: u64::MAX,
            expected: &[status],
            watched: &market.watched,
        };
        let highest = run_closed(closed, &request).await?.rate(status);
        recorder.record(&format!("{id}.highest"), "per s", Better::More, highest);
        market.wait_until_drained(&before).await?;
        for (percent, point) in recorder.plan.loads.iter().zip(&mut points) {
            let rate = whole(highest * f64::from(*percent) / 100.0);
            let open = OpenLoop {
                addr: market.addr,
                schedule: Schedule::new(rate, warm_up + round),
                warm_up,
                connections: CONNECTIONS,
                expected: &[status],
                watched: &market.watched,
            };
            let began = MachineTime::now()?;
            let outcome = run_open(open, &request)
                .await
                .map_err(|error| format!("{id} at {rate}/s: {error}"))?;
            let busy = began.busy_percent()?;
            let latencies = outcome.with_status(status)?;
            point.rates.push(f64::from(rate));
            for ((_, percentile), values) in LINES.iter().zip(&mut point.latencies) {
                values.push(latencies.percentile(*percentile));
            }
            let id = format!("{id}.{percent}");
            recorder.record(&format!("{id}.p99"), "ms", Better::Less, latencies.percentile(99.0));
            recorder.record(&format!("{id}.busy"), "% of the processors", Better::Less, busy);
            market.wait_until_drained(&before).await?;
        }
    }
    let lines = LINES.iter().enumerate().map(|(line, (name, _))| Series {
        name: (*name).to_owned(),
        points: points
            .iter()
            .map(|point| (median(&point.rates), median(&point.latencies[line])))
            .collect(),
    });
    recorder.results.curves.push(Curve {
        id: id.replace('.', "-"),
        title: format!("{title}: latency by load (open loop, medians)"),
        x_label: "requests per second".to_owned(),
        y_label: "latency in ms".to_owned(),
        series: lines.collect(),
    });
    Ok(())
}

/// The lines of a plot: their names and percentiles.
const LINES: [(&str, f64); 3] = [("p50", 50.0), ("p99", 99.0), ("p99.9", 99.9)];

/// What the repetitions measured at one part of the highest rate.
#[derive(Default)]
struct Point {
    /// The requests per second.
    rates: Vec<f64>,
    /// The latencies in milliseconds, for each line.
    latencies: [Vec<f64>; LINES.len()],
}

/// Returns the whole number of requests per second.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the conversion saturates"
)]
const fn whole(rate: f64) -> u32 {
    rate as u32
}
