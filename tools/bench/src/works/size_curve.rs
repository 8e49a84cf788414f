use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{
    PAGE,
    expirations::insert_pending,
    memory::measure_memory,
    reads::pick,
    searches::{measure_distinct_searches, measure_searches_of_one},
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
/// load. Each point is a median. Beside the rows, there are as many open deadlines as while orders expire. At the end, the
/// costs with the fewest and the most rows are measured in turn.
///
/// # Errors
///
/// That of the load.
pub async fn measure_sizes(recorder: &mut Recorder, seed: &Seed, folder: &Path, broker: &str) -> BenchResult<()> {
    let mut costs = Lines::new("size-cost", "Cost by size: p50 of one client", "p50 in ms");
    let mut searches = Lines::new(
        "size-search",
        "Searches by size, none repeated: p99 of one client",
        "p99 in ms",
    );
    let mut starts = Lines::new("size-start", "Start by size", "seconds until ready");
    let sizes = recorder.plan.sizes;
    let (first, last) = (sizes.first(), sizes.last());
    for rows in sizes {
        let data = folder_of(folder, *rows);
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
        if last == Some(rows) {
            for time in start_times {
                recorder.record("size.start", "s", Better::Less, time);
            }
        }
        let market = stack.market(sign_in(stack.addr(), seed.accounts).await?)?;
        for (name, p50) in measure_costs(recorder, &market).await? {
            costs.add(name, *rows, p50);
        }
        for (name, p99) in measure_searches_of_one(recorder, &market).await? {
            searches.add(name, *rows, p99);
            recorder
                .results
                .add(&format!("size.{rows}.{name}.p99"), "ms", Better::Less, p99);
        }
        if *rows == recorder.plan.memory_rows {
            measure_distinct_searches(recorder, &market).await?;
            measure_memory(recorder, &market).await?;
        }
        stack.stop().await?;
        delete_queues(&data, broker).await?;
        if first != Some(rows) && last != Some(rows) {
            fs::remove_dir_all(&data)?;
        }
    }
    if let (Some(first), Some(last)) = (first, last) {
        let folders = [*first, *last].map(|rows| folder_of(folder, rows));
        measure_growth(recorder, seed, &folders, broker).await?;
        for data in folders {
            fs::remove_dir_all(&data)?;
        }
    }
    for lines in [costs, searches, starts] {
        recorder.results.curves.push(lines.0);
    }
    Ok(())
}

/// Measures the costs with the fewest and with the most rows in turn, and records the highest ratio of each pair.
async fn measure_growth(recorder: &mut Recorder, seed: &Seed, folders: &[PathBuf; 2], broker: &str) -> BenchResult<()> {
    for _ in 0..recorder.plan.repetitions {
        let mut pair = Vec::new();
        for data in folders {
            let stack = StackProcess::start(data, broker)?;
            let market = stack.market(sign_in(stack.addr(), seed.accounts).await?)?;
            pair.push(measure_costs(recorder, &market).await?);
            stack.stop().await?;
            delete_queues(data, broker).await?;
        }
        let [fewest, most] = pair.try_into().map_err(|_| "not two folders")?;
        let ratios = fewest
            .into_iter()
            .zip(most)
            .map(|((_, fewest), (_, most))| most / fewest);
        let highest = ratios.fold(f64::NAN, f64::max);
        recorder.record("size.growth", "times", Better::Less, highest);
    }
    Ok(())
}

fn folder_of(folder: &Path, rows: u64) -> PathBuf {
    folder.join(format!("size-{rows}"))
}

/// Returns the p50 of each request in milliseconds, the median of the repetitions.
async fn measure_costs(recorder: &Recorder, market: &Market) -> BenchResult<[(&'static str, f64); 3]> {
    let page = market.get(PAGE);
    let (page, _) = one_client(recorder, market, 200, |_| page.clone()).await?;
    let ticket = market.list_tickets("A long night", 1_000_000).await?;
    let one = market.get(&format!("/api/v1/tickets/{ticket}"));
    let (one, _) = one_client(recorder, market, 200, |_| one.clone()).await?;
    let before = market.replicas()?;
    let orders = market.orders_of(&ticket);
    let (order, _) = one_client(recorder, market, 201, |number| pick(&orders, number)).await?;
    recorder
        .progress
        .report(format!("POST order of one client: p50 {} ms", number(order)));
    market.wait_until_drained(&before).await?;
    Ok([
        ("GET page of 20 tickets", page),
        ("GET one ticket", one),
        ("POST order", order),
    ])
}

/// Returns p50 and p99 in milliseconds, the medians of the repetitions.
pub(super) async fn one_client(
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
}
