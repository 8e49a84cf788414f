use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;

use super::{
    PAGE,
    expirations::insert_pending,
    memory::measure_memory,
    reads::pick,
    searches::{measure_searches_of_one, measure_unrepeated_searches},
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

/// The pending timers are due after all measurements.
const PENDING_AFTER: Duration = Duration::from_hours(12);

/// Measures the same requests of one client with more and more rows, how long the start takes, searches, and the memory under
/// load. Each point is a median. Beside the rows, there are as many open deadlines as while orders expire.
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
    let sizes = recorder.plan.sizes.iter().map(|rows| Size {
        rows: *rows,
        data: folder.join(format!("size-{rows}")),
        seed,
        broker,
    });
    let sizes: Vec<_> = sizes.collect();
    if let [fewest, .., most] = sizes.as_slice() {
        measure_growth(recorder, [fewest, most]).await?;
    }
    for size in &sizes {
        size.create(recorder)?;
        let mut start_times = Vec::new();
        for _ in 0..recorder.plan.repetitions {
            let stack = StackProcess::start(&size.data, broker)?;
            start_times.push(stack.start_time.as_secs_f64());
            stack.stop().await?;
        }
        starts.add("start", size.rows, median(&start_times));
        if sizes.last().is_some_and(|last| last.rows == size.rows) {
            for time in start_times {
                recorder.record("size.start", "s", Better::Less, time);
            }
        }
        let (stack, market) = size.start().await?;
        for ((_, name), p50) in REQUESTS.into_iter().zip(measure_costs(recorder, &market).await?) {
            costs.add(name, size.rows, p50);
        }
        for (name, p99) in measure_searches_of_one(recorder, &market, size.rows).await? {
            searches.add(name, size.rows, median(&p99));
            for p99 in p99 {
                recorder.record(&format!("size.{}.{name}.p99", size.rows), "ms", Better::Less, p99);
            }
        }
        if size.rows == recorder.plan.memory_rows {
            measure_unrepeated_searches(recorder, &market).await?;
        }
        size.stop(stack).await?;
        if size.rows == recorder.plan.memory_rows {
            for _ in 0..recorder.plan.repetitions {
                let (stack, market) = size.start().await?;
                measure_memory(recorder, &market).await?;
                size.stop(stack).await?;
            }
        }
        fs::remove_dir_all(&size.data)?;
    }
    for lines in [costs, searches, starts] {
        recorder.results.curves.push(lines.0);
    }
    Ok(())
}

/// The requests whose costs are measured: the part of the id, and the name.
const REQUESTS: [(&str, &str); 3] = [
    ("page", "GET page of 20 tickets"),
    ("ticket", "GET one ticket"),
    ("order", "POST order"),
];

/// A data folder with a number of rows.
struct Size<'a> {
    rows: u64,
    data: PathBuf,
    seed: &'a Seed,
    broker: &'a str,
}

impl Size<'_> {
    /// Creates the folder, unless it exists.
    fn create(&self, recorder: &Recorder) -> BenchResult<()> {
        if !self.data.exists() {
            self.seed.copy(&self.data, self.rows)?;
            insert_pending(&self.data, recorder.plan.pending_orders, PENDING_AFTER)?;
        }
        Ok(())
    }

    async fn start(&self) -> BenchResult<(StackProcess, Market)> {
        let stack = StackProcess::start(&self.data, self.broker)?;
        let market = stack.market(sign_in(stack.addr(), self.seed.accounts).await?)?;
        Ok((stack, market))
    }

    /// Stops the stack, and deletes its queues: those of another size have the same names.
    async fn stop(&self, stack: StackProcess) -> BenchResult<()> {
        stack.stop().await?;
        delete_queues(&self.data, self.broker).await
    }
}

/// Measures the costs with the fewest and with the most rows in turn, before anything else changes the folders, and records
/// the ratios.
async fn measure_growth(recorder: &mut Recorder, sizes: [&Size<'_>; 2]) -> BenchResult<()> {
    for size in sizes {
        size.create(recorder)?;
    }
    for repetition in 0..recorder.plan.repetitions {
        let mut costs = [[0.0; REQUESTS.len()]; 2];
        let mut turns: Vec<_> = sizes.iter().zip(&mut costs).collect();
        if repetition % 2 == 1 {
            turns.reverse();
        }
        for (size, costs) in turns {
            let (stack, market) = size.start().await?;
            *costs = measure_costs(recorder, &market).await?;
            size.stop(stack).await?;
        }
        let [fewest, most] = costs;
        for ((id, _), (fewest, most)) in REQUESTS.into_iter().zip(fewest.into_iter().zip(most)) {
            recorder.record(&format!("size.growth.{id}"), "times", Better::Less, most / fewest);
        }
    }
    Ok(())
}

/// Returns the p50 of each request in milliseconds, the median of the repetitions.
async fn measure_costs(recorder: &Recorder, market: &Market) -> BenchResult<[f64; REQUESTS.len()]> {
    let page = market.get(PAGE);
    let page = one_client(recorder, market, 200, |_| page.clone()).await?;
    let ticket = market.list_tickets("A long night", 1_000_000).await?;
    let one = market.get(&format!("/api/v1/tickets/{ticket}"));
    let one = one_client(recorder, market, 200, |_| one.clone()).await?;
    let before = market.replicas()?;
    let orders = market.orders_of(&ticket);
    let order = one_client(recorder, market, 201, |number| pick(&orders, number)).await?;
    let p50 = [page, one, order].map(|latencies| median(&latencies.p50));
    recorder
        .progress
        .report(format!("POST order of one client: p50 {} ms", number(p50[2])));
    market.wait_until_drained(&before).await?;
    Ok(p50)
}

/// Latencies of each repetition in milliseconds.
#[derive(Default)]
pub(super) struct Latencies {
    pub(super) p50: Vec<f64>,
    pub(super) p99: Vec<f64>,
}

/// Measures the requests of one client.
///
/// # Errors
///
/// That of the load.
pub(super) async fn one_client(
    recorder: &Recorder,
    market: &Market,
    status: u16,
    request: impl Fn(u64) -> Bytes,
) -> BenchResult<Latencies> {
    let mut all = Latencies::default();
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
        all.p50.push(latencies.percentile(50.0));
        all.p99.push(latencies.percentile(99.0));
    }
    Ok(all)
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
