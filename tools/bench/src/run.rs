use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{
    BenchResult, Cli, Command, Plan, Progress, Recorder, Work,
    cli::Size,
    limits::Sqlite,
    processes::{own_mebibytes, resident_mebibytes},
    report::{print_comparison, write_page},
    results::{Better, Results, Terms, compare, version_of_own_broker},
    rows::require_room,
    seed::Seed,
    targets::{Market, NodePeer, StackProcess, delete_queues, serve, sign_in},
    works,
};

/// The folder that all measurements begin with.
const SEED: &str = "seed";

/// Runs the program.
///
/// # Errors
///
/// A measurement that fails, also because more tickets were sold than there are.
pub fn main_of(cli: &Cli) -> BenchResult<ExitCode> {
    match &cli.command {
        Some(Command::BareServer { bodies }) => {
            // As many threads as the services have.
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(serve(bodies))?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Command::Page { results }) => {
            write_page(&cli.page, &read(results)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        None => {}
    }
    let old = cli.compare.as_deref().map(read).transpose()?;
    let new = match &cli.with {
        Some(path) => read(path)?,
        None => measure(cli)?,
    };
    let Some(old) = old else {
        return Ok(ExitCode::SUCCESS);
    };
    let is_worse = print_comparison(&old.terms, &new.terms, &compare(&old, &new));
    Ok(if is_worse { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn read(path: &Path) -> BenchResult<Results> {
    let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(serde_json::from_slice(&text).map_err(|error| format!("{} has no results: {error}", path.display()))?)
}

/// Measures, and writes the results and the page.
fn measure(cli: &Cli) -> BenchResult<Results> {
    let plan = Plan::of(cli.size());
    let mut terms = Terms {
        size: cli.size().name().to_owned(),
        repetitions: plan.repetitions,
        round_seconds: plan.round.as_secs_f64(),
        rows: plan.rows,
        ..Terms::of_this_machine()?
    };
    terms.versions.extend(version_of_own_broker());
    let mut run = Run {
        cli,
        recorder: Recorder {
            plan,
            results: Results::new(terms),
            progress: Progress::start(),
        },
        peer: None,
    };
    fs::create_dir_all(&cli.folder)?;
    if cli.measures(Work::Size) {
        require_room(&cli.folder, run.recorder.plan.sizes.iter().sum())?;
    }
    let folder = tempfile::tempdir_in(&cli.folder)?;
    // One thread: the generator is to take as little of the processors as possible.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(run.measure(folder.path()));
    if measured.is_err() {
        // The processes have ended; all folders are copies of one, with the same names in the broker.
        let _ = runtime.block_on(delete_queues(&folder.path().join(SEED), &cli.broker));
        let _ = runtime.block_on(NodePeer::delete_queue(&cli.broker));
    }
    let results = run.recorder.results;
    if let Err(error) = measured {
        let path = cli.json.with_extension("partial.json");
        write_results(&path, &results)?;
        return Err(format!("{error}; what was measured until then: {}", path.display()).into());
    }
    write_results(&cli.json, &results)?;
    println!("results: {}", cli.json.display());
    if cli.size() != Size::Quick && cli.only.is_empty() {
        write_page(&cli.page, &results)?;
        println!("page: {}", cli.page.display());
    }
    Ok(results)
}

fn write_results(path: &Path, results: &Results) -> BenchResult<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(fs::write(path, serde_json::to_string_pretty(results)?)?)
}

struct Run<'a> {
    cli: &'a Cli,
    recorder: Recorder,
    /// The folder of the installed peer.
    peer: Option<PathBuf>,
}

impl Run<'_> {
    async fn measure(&mut self, folder: &Path) -> BenchResult<()> {
        let broker = self.cli.broker.clone();
        self.install_peer()?;
        self.recorder.progress.report("creating accounts, listings and orders");
        let seed = Seed::create(&folder.join(SEED), &broker, self.recorder.plan.buyers + 1).await?;
        for repetition in 1..=self.recorder.plan.repetitions {
            let line = format!("repetition {repetition} of {}", self.recorder.plan.repetitions);
            self.recorder.progress.report(line);
            let is_last = repetition == self.recorder.plan.repetitions;
            let data = folder.join(format!("repetition-{repetition}"));
            self.repetition(&seed, &data, &broker, is_last).await?;
            delete_queues(&data, &broker).await?;
            fs::remove_dir_all(&data)?;
        }
        if self.cli.measures(Work::Expirations) {
            for _ in 0..self.recorder.plan.repetitions {
                works::measure_expirations(&mut self.recorder, &seed, folder, &broker).await?;
            }
        }
        if self.cli.measures(Work::Instructions) {
            works::measure_instructions(&mut self.recorder, &seed, folder, &broker).await?;
        }
        if self.cli.measures(Work::Size) {
            works::measure_sizes(&mut self.recorder, &seed, folder, &broker).await?;
        }
        if self.cli.measures(Work::Builds) {
            works::measure_builds(&mut self.recorder, folder)?;
        }
        let elapsed = self.recorder.progress.elapsed().as_secs();
        self.recorder.progress.report(format!("measured in {elapsed} s"));
        Ok(())
    }

    fn install_peer(&mut self) -> BenchResult<()> {
        let works = [Work::Reads, Work::Listings, Work::Orders];
        if !works.into_iter().any(|work| self.cli.measures(work)) {
            return Ok(());
        }
        let folder = std::path::absolute(self.cli.folder.join("node-express"))?;
        self.recorder.progress.report("installing the Node.js peer, once");
        match NodePeer::install(&folder)? {
            None => self.peer = Some(folder),
            Some(reason) => {
                self.recorder.results.skip(&format!("The Node.js peer: {reason}."));
                self.recorder
                    .progress
                    .report(format!("THE NODE.JS PEER IS SKIPPED: {reason}"));
            }
        }
        Ok(())
    }

    async fn repetition(&mut self, seed: &Seed, data: &Path, broker: &str, is_last: bool) -> BenchResult<()> {
        self.measure_empty_start(seed, data, broker).await?;
        seed.copy(data, self.recorder.plan.rows)?;
        let stack = StackProcess::start(data, broker)?;
        self.recorder.record_seconds("start.time", stack.start_time);
        tokio::time::sleep(self.recorder.plan.idle).await;
        let market = stack.market(sign_in(stack.addr(), seed.accounts).await?)?;
        // Signing in needs memory of its own, which is given back.
        tokio::time::sleep(self.recorder.plan.idle).await;
        for (id, memory) in [
            ("memory.idle", resident_mebibytes(market.process)?),
            ("memory.idle.own", own_mebibytes(market.process)?),
        ] {
            self.recorder.record(id, "MiB", Better::Less, memory);
        }
        let measured = self.requests(seed, &market, broker, is_last).await;
        if measured.is_ok() {
            tokio::time::sleep(self.recorder.plan.idle).await;
            let memory = resident_mebibytes(market.process)?;
            self.recorder.record("memory.loaded", "MiB", Better::Less, memory);
        }
        stack.stop().await?;
        measured?;
        if self.cli.measures(Work::Events) {
            works::measure_events(&mut self.recorder, data, broker).await?;
        }
        Ok(())
    }

    async fn measure_empty_start(&mut self, seed: &Seed, data: &Path, broker: &str) -> BenchResult<()> {
        let empty = data.with_extension("empty");
        seed.copy(&empty, 0)?;
        let stack = StackProcess::start(&empty, broker)?;
        self.recorder.record_seconds("start.empty", stack.start_time);
        stack.stop().await?;
        delete_queues(&empty, broker).await?;
        Ok(fs::remove_dir_all(&empty)?)
    }

    /// Measures everything that needs the running marketplace: each work, then its limit, then its peer.
    async fn requests(&mut self, seed: &Seed, market: &Market, broker: &str, is_last: bool) -> BenchResult<()> {
        let node = match &self.peer {
            Some(folder) => Some(NodePeer::start(folder, &market.data, broker).await?),
            None => None,
        };
        let ticket = market.list_tickets("Night of the orchestra", 100).await?;
        if self.cli.measures(Work::Reads) {
            works::measure_reads(&mut self.recorder, market, &ticket).await?;
            works::measure_bare(&mut self.recorder, market, &ticket).await?;
            if let Some(node) = &node {
                works::measure_node_reads(&mut self.recorder, node).await?;
            }
        }
        if self.cli.measures(Work::Listings) {
            works::measure_listings(&mut self.recorder, market).await?;
        }
        if self.cli.measures(Work::Orders) {
            works::measure_orders(&mut self.recorder, market).await?;
            self.measure_sqlite(seed, &market.data)?;
        }
        if let Some(node) = node {
            if self.cli.measures(Work::Listings) || self.cli.measures(Work::Orders) {
                works::measure_node_writes(&mut self.recorder, &node).await?;
            }
            node.stop(broker).await?;
        }
        if self.cli.measures(Work::Mixed) {
            works::measure_mixed(&mut self.recorder, market).await?;
        }
        if self.cli.measures(Work::AtOnce) {
            works::measure_at_once(&mut self.recorder, market).await?;
        }
        if self.cli.measures(Work::OnSale) {
            works::measure_on_sale(&mut self.recorder, market).await?;
        }
        if self.cli.measures(Work::Purchases) {
            works::measure_purchases(&mut self.recorder, market).await?;
        }
        if self.cli.measures(Work::SignIn) {
            works::measure_sign_in(&mut self.recorder, market, seed.accounts).await?;
        }
        if is_last && self.cli.measures(Work::Load) {
            works::measure_loads(&mut self.recorder, market).await?;
        }
        Ok(())
    }

    fn measure_sqlite(&mut self, seed: &Seed, folder: &Path) -> BenchResult<()> {
        let (path, listing, order) = seed.copy_order_database(folder)?;
        let mut sqlite = Sqlite::open(&path, listing, order)?;
        for per_commit in [1, 64] {
            let rate = sqlite.orders_per_second(per_commit, self.recorder.plan.round / 2)?;
            let id = format!("sqlite.order.{per_commit}.rate");
            self.recorder.record(&id, "per s", Better::More, rate);
        }
        Ok(())
    }
}
