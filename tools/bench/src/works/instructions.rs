use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use bytes::Bytes;
use rustix::process::Signal;

use super::{PAGE, reads::pick};
use crate::{
    BenchResult,
    load::{ClosedLoop, run_closed},
    processes::{ChildProcess, Watched},
    recorder::Recorder,
    results::Better,
    seed::Seed,
    statistics::float,
    targets::{Market, StackProcess, delete_queues, sign_in},
};

/// The requests of one count, and those before it.
const REQUESTS: u64 = 1000;
const WARM_UP_REQUESTS: u64 = 200;

/// The accounts that are signed in: one seller, and buyers.
const PEOPLE: usize = 9;

/// Counts the instructions per request of the hottest paths, in a marketplace of its own. Where nothing can count them, that
/// is noted in the results.
///
/// # Errors
///
/// That of the load.
pub async fn measure_instructions(
    recorder: &mut Recorder,
    seed: &Seed,
    folder: &Path,
    broker: &str,
) -> BenchResult<()> {
    let data = folder.join("instructions");
    seed.copy(&data, recorder.plan.rows)?;
    let counter = match Counter::available(&data) {
        Ok(counter) => counter,
        Err(reason) => {
            recorder.results.skip(&format!("Instructions per request: {reason}."));
            recorder
                .progress
                .report(format!("instructions are not counted: {reason}"));
            return Ok(fs::remove_dir_all(&data)?);
        }
    };
    let stack = StackProcess::start_under(&counter.launcher(&data), &data, broker)?;
    let market = stack.market(sign_in(stack.addr(), PEOPLE).await?)?;
    let ticket = market.list_tickets("A counted night", 1_000_000).await?;
    let (page, one) = (market.get(PAGE), market.get(&format!("/api/v1/tickets/{ticket}")));
    let before = market.replicas()?;
    let orders = market.orders_of(&ticket);
    count(recorder, &market, counter, ("page", 200), |_| page.clone()).await?;
    count(recorder, &market, counter, ("ticket", 200), |_| one.clone()).await?;
    count(recorder, &market, counter, ("order", 201), |number| {
        pick(&orders, number)
    })
    .await?;
    market.wait_until_drained(&before).await?;
    stack.stop().await?;
    delete_queues(&data, broker).await?;
    Ok(fs::remove_dir_all(&data)?)
}

async fn count(
    recorder: &mut Recorder,
    market: &Market,
    counter: Counter,
    (name, status): (&str, u16),
    request: impl Fn(u64) -> Bytes,
) -> BenchResult<()> {
    let run = async |max_requests| {
        let plan = ClosedLoop {
            addr: market.addr,
            clients: 8,
            warm_up: Duration::ZERO,
            duration: Duration::from_mins(5),
            max_requests,
            expected: &[status],
            watched: &Watched::default(),
        };
        run_closed(plan, &request).await.map(drop)
    };
    run(WARM_UP_REQUESTS).await?;
    let id = format!("instructions.{name}");
    for _ in 0..recorder.plan.repetitions {
        let total = counter.count(market, run(REQUESTS)).await?;
        let per_request = float(total) / float(REQUESTS);
        recorder.record(&id, "instructions per request", Better::Less, per_request);
    }
    Ok(())
}

/// What counts the instructions of a process in user space.
#[derive(Clone, Copy, Debug)]
enum Counter {
    /// The processor, read by `perf stat`.
    Perf,
    /// Callgrind, which simulates the processor: some fifty times slower, with the same result.
    Callgrind,
}

impl Counter {
    /// Returns the counter that works here, or why none does.
    fn available(folder: &Path) -> Result<Self, String> {
        let succeeds = |command: &mut Command| {
            let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        };
        let file = folder.join("perf.txt");
        if succeeds(perf(&file).arg("true")) && instructions(&fs::read_to_string(&file).unwrap_or_default()).is_some() {
            return Ok(Self::Perf);
        }
        if succeeds(Command::new("valgrind").arg("--version")) {
            return Ok(Self::Callgrind);
        }
        Err("`perf` counts none on this machine, and valgrind is not installed".to_owned())
    }

    /// Returns the command that the marketplace is an argument of.
    fn launcher(self, data: &Path) -> Vec<String> {
        let out = format!("--callgrind-out-file={}", data.join("callgrind.out").display());
        match self {
            Self::Perf => Vec::new(),
            Self::Callgrind => ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", &out]
                .map(str::to_owned)
                .into(),
        }
    }

    /// Returns the instructions of the marketplace during `work`.
    async fn count(self, market: &Market, work: impl Future<Output = BenchResult<()>>) -> BenchResult<u64> {
        match self {
            Self::Perf => {
                let file = market.data.join("perf.txt");
                let perf = ChildProcess::spawn(perf(&file).args(["-p", &market.process.to_string()]))?;
                // Until perf has attached itself to all threads; the services do little meanwhile.
                tokio::time::sleep(Duration::from_millis(300)).await;
                work.await?;
                perf.stop_by(Signal::INT).await?;
                instructions(&fs::read_to_string(&file)?).ok_or_else(|| "perf has counted nothing".into())
            }
            Self::Callgrind => {
                callgrind(market, "--instr=on")?;
                work.await?;
                callgrind(market, "--instr=off")?;
                callgrind(market, "--dump")?;
                let files = fs::read_dir(&market.data)?.filter_map(|entry| Some(entry.ok()?.path()));
                let files = files.filter(|path| path.to_string_lossy().contains("callgrind.out"));
                let mut counted = 0;
                // Each dump begins where the one before ended; there is one for each part.
                for file in files.collect::<Vec<_>>() {
                    counted += totals(&fs::read_to_string(&file)?).unwrap_or_default();
                    fs::remove_file(&file)?;
                }
                if counted == 0 {
                    return Err("callgrind has counted nothing".into());
                }
                Ok(counted)
            }
        }
    }
}

fn perf(file: &Path) -> Command {
    let mut command = Command::new("perf");
    command
        .args(["stat", "-x", ",", "-e", "instructions:u", "-o"])
        .arg(file);
    command
}

/// Returns the count in the output of `perf stat -x ,`.
fn instructions(output: &str) -> Option<u64> {
    let line = output.lines().find(|line| line.contains("instructions"))?;
    line.split(',').next()?.parse().ok()
}

/// Passes a command to the callgrind that runs the marketplace.
fn callgrind(market: &Market, command: &str) -> BenchResult<()> {
    let process = market.process.to_string();
    let output = Command::new("callgrind_control").args([command, &process]).output()?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("callgrind_control {command}: {message}").into());
    }
    Ok(())
}

/// Returns the count of a dump of callgrind.
fn totals(dump: &str) -> Option<u64> {
    dump.lines()
        .find_map(|line| line.strip_prefix("totals:"))?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_read_and_a_missing_counter_is_none() {
        assert_eq!(
            instructions("# started\n\n123456,,instructions:u,10,100.00,,\n"),
            Some(123_456)
        );
        assert_eq!(instructions("<not supported>,,instructions:u,0,100.00,,\n"), None);
        assert_eq!(instructions(""), None);
    }

    #[test]
    fn a_dump_of_callgrind_has_a_total() {
        assert_eq!(
            totals("version: 1\nevents: Ir\nfn=main\n1 7\ntotals: 4711\n"),
            Some(4711)
        );
        assert_eq!(totals("version: 1\n"), None);
    }
}
