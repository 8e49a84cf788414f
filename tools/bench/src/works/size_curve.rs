use std::{fs, path::Path};

use bytes::Bytes;

use super::{
    SEARCHES, expirations::insert_pending, memory::measure_memory, reads::pick, searches::measure_distinct_searches,
};
use crate::{
    BenchResult,
    load::{ClosedLoop, run_closed},
    recorder::Recorder,
    results::{Better, Curve, Series},
    seed::Seed,
    statistics::{float, median, number},
    targets::{Market, StackProcess, delete_queues, sign_in},
};

/// Measures the same requests of one client with more and more rows, how long the start takes, searches, and the memory under
/// load. Each point is a median. Beside the rows, there are as many open deadlines as while orders expire.
///
/// # Errors
///
/// That of the load.
pub async fn measure_sizes(recorder: &mut Recorder, seed: &Seed, folder: &Path, broker: &str) -> BenchResult<()> {
    let mut costs = Lines::new("size-cost", "Cost by size: p50 of one client", "p50 in ms");
    let mut searches = Lines::new("size-search", "Searches by size: p99 of one client", "p99 in ms");
    let mut starts = Lines::new("size-start", "Start by size", "seconds until ready");
    for rows in recorder.plan.sizes {
        let data = folder.join(format!("size-{rows}"));
        seed.copy(&data, *rows)?;
        insert_pending(&data, recorder.plan.pending_orders)?;
        let mut start_times = Vec::new();
        let stack = loop {
            let stack = StackProcess::start(&data, broker)?;
            start_times.push(stack.start_time.as_secs_f64());
            if start_times.len() == usize::try_from(recorder.plan.repetitions)? {
                break stack;
            }
            stack.stop().await?;
        };
        starts.add("start", *rows, median(&start_times));
        if recorder.plan.sizes.last() == Some(rows) {
            for time in start_times {
                recorder.record("size.start", "s", Better::Less, time);
            }
        }
        let market = stack.market(sign_in(stack.addr(), seed.accounts).await?)?;
        measure_size(recorder, &market, *rows, &mut costs, &mut searches).await?;
        if *rows == recorder.plan.memory_rows {
            measure_distinct_searches(recorder, &market).await?;
            measure_memory(recorder, &market).await?;
        }
        stack.stop().await?;
        delete_queues(&data, broker).await?;
        fs::remove_dir_all(&data)?;
    }
    if let Some(growth) = costs.growth() {
        recorder.record("size.growth", "times", Better::Less, growth);
    }
    for lines in [costs, searches, starts] {
        recorder.results.curves.push(lines.0);
    }
    Ok(())
}

async fn measure_size(
    recorder: &mut Recorder,
    market: &Market,
    rows: u64,
    costs: &mut Lines,
    searches: &mut Lines,
) -> BenchResult<()> {
    for (name, query) in SEARCHES {
        let request = market.get(&format!("/api/v1/tickets?{query}"));
        let latencies = one_client(recorder, market, 200, |_| request.clone()).await?;
        searches.add(name, rows, latencies.1);
        if name == "newest" {
            costs.add("GET page of 20 tickets", rows, latencies.0);
        }
    }
    let ticket = market.list_tickets("A long night", 1_000_000).await?;
    let one = market.get(&format!("/api/v1/tickets/{ticket}"));
    let latencies = one_client(recorder, market, 200, |_| one.clone()).await?;
    costs.add("GET one ticket", rows, latencies.0);
    let before = market.replicas()?;
    let orders = market.orders_of(&ticket);
    let latencies = one_client(recorder, market, 201, |number| pick(&orders, number)).await?;
    costs.add("POST order", rows, latencies.0);
    let worst = searches.worst(rows);
    recorder
        .results
        .add(&format!("size.{rows}.search.p99"), "ms", Better::Less, worst);
    recorder
        .results
        .add(&format!("size.{rows}.order.p50"), "ms", Better::Less, latencies.0);
    recorder.progress.report(format!(
        "{rows} rows: POST order p50 {} ms, p99 of the slowest search {} ms",
        number(latencies.0),
        number(worst)
    ));
    market.wait_until_drained(&before).await
}

/// Returns p50 and p99 in milliseconds, the medians of the repetitions.
async fn one_client(
    recorder: &Recorder,
    market: &Market,
    status: u16,
    request: impl Fn(u64) -> Bytes,
) -> BenchResult<(f64, f64)> {
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    for _ in 0..recorder.plan.repetitions {
        let plan = ClosedLoop {
            addr: market.addr,
            clients: 1,
            warm_up: recorder.plan.warm_up / 2,
            duration: recorder.plan.round / 3,
            max_requests: u64::MAX,
            expected: &[status],
            watched: &market.watched,
        };
        let outcome = run_closed(plan, &request).await?;
        let latencies = outcome.with_status(status)?;
        p50.push(latencies.percentile(50.0));
        p99.push(latencies.percentile(99.0));
    }
    Ok((median(&p50), median(&p99)))
}

/// A plot with a line for each name.
struct Lines(Curve);

impl Lines {
    fn new(id: &str, title: &str, y_label: &str) -> Self {
        Self(Curve {
            id: id.to_owned(),
            title: title.to_owned(),
            x_label: "listings, and orders".to_owned(),
            y_label: y_label.to_owned(),
            series: Vec::new(),
        })
    }

    fn add(&mut self, name: &str, rows: u64, value: f64) {
        let point = (float(rows), value);
        match self.0.series.iter_mut().find(|series| series.name == name) {
            Some(series) => series.points.push(point),
            None => self.0.series.push(Series {
                name: name.to_owned(),
                points: vec![point],
            }),
        }
    }

    /// Returns the highest ratio of a line's last value to its first one.
    fn growth(&self) -> Option<f64> {
        let ends = |series: &Series| Some((series.points.first()?.1, series.points.last()?.1));
        let ratios = self.0.series.iter().filter_map(ends).map(|(first, last)| last / first);
        ratios.reduce(f64::max)
    }

    /// Returns the highest value at a number of rows.
    fn worst(&self, rows: u64) -> f64 {
        let points = self.0.series.iter().flat_map(|series| &series.points);
        let values = points
            .filter(|(x, _)| (*x - float(rows)).abs() < 0.5)
            .map(|(_, value)| *value);
        values.fold(0.0, f64::max)
    }
}
