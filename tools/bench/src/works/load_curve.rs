use bytes::Bytes;

use super::{PAGE, reads::pick};
use crate::{
    BenchResult,
    load::{ClosedLoop, OpenLoop, Schedule, run_closed, run_open},
    processes::MachineTime,
    recorder::Recorder,
    results::{Better, Curve, Series},
    statistics::{median, number},
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
    market.wait_until_drained(&before).await?;
    let mut lines = [
        ("p50", 50.0, Vec::new()),
        ("p99", 99.0, Vec::new()),
        ("p99.9", 99.9, Vec::new()),
    ];
    for percent in recorder.plan.loads {
        let rate = whole(highest * f64::from(*percent) / 100.0);
        let (mut repeated, mut busy) = ([const { Vec::new() }; 3], Vec::new());
        for _ in 0..recorder.plan.repetitions {
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
            busy.push(began.busy_percent()?);
            let latencies = outcome.with_status(status)?;
            for ((_, percentile, _), values) in lines.iter().zip(&mut repeated) {
                values.push(latencies.percentile(*percentile));
            }
            let line = format!(
                "{id:<20} {:>9} per s of {}   p99 {:>7} ms   processors {:>5} % busy",
                rate,
                number(highest),
                number(latencies.percentile(99.0)),
                number(median(&busy))
            );
            recorder.progress.report(line);
            market.wait_until_drained(&before).await?;
        }
        for ((name, _, points), values) in lines.iter_mut().zip(&repeated) {
            let median = median(values);
            points.push((f64::from(rate), median));
            if *name == "p99" {
                // All are of one rate, so they do not show how much the highest rate varies.
                recorder
                    .results
                    .add(&format!("{id}.{percent}.p99"), "ms", Better::Less, median);
            }
        }
        let busy = median(&busy);
        recorder.results.add(
            &format!("{id}.{percent}.busy"),
            "% of the processors",
            Better::Less,
            busy,
        );
    }
    recorder.results.curves.push(Curve {
        id: id.replace('.', "-"),
        title: format!("{title}: latency by load (open loop, medians)"),
        x_label: "requests per second".to_owned(),
        y_label: "latency in ms".to_owned(),
        series: lines
            .into_iter()
            .map(|(name, _, points)| Series {
                name: name.to_owned(),
                points,
            })
            .collect(),
    });
    Ok(())
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
