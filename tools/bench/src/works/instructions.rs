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
    statistics::float,
    targets::Market,
};

/// The requests of one count.
const REQUESTS: u64 = 2000;

/// Counts the instructions per request of the hottest paths, by `perf stat`. Where the machine cannot count them, that is
/// noted in the results.
///
/// # Errors
///
/// That of the load.
pub async fn measure_instructions(recorder: &mut Recorder, market: &Market, ticket: &str) -> BenchResult<()> {
    if let Some(reason) = reason_not_to_count(&market.data) {
        recorder.results.skip(&format!("Instructions per request: {reason}."));
        recorder
            .progress
            .report(format!("instructions are not counted: {reason}"));
        return Ok(());
    }
    let (page, one) = (market.get(PAGE), market.get(&format!("/api/v1/tickets/{ticket}")));
    count(recorder, market, "page", 200, |_| page.clone()).await?;
    count(recorder, market, "ticket", 200, |_| one.clone()).await?;
    let ticket = market.list_tickets("A counted night", 1_000_000).await?;
    let before = market.replicas()?;
    let orders = market.orders_of(&ticket);
    count(recorder, market, "order", 201, |number| pick(&orders, number)).await?;
    market.wait_until_drained(&before).await
}

async fn count(
    recorder: &mut Recorder,
    market: &Market,
    name: &str,
    status: u16,
    request: impl Fn(u64) -> Bytes,
) -> BenchResult<()> {
    let plan = ClosedLoop {
        addr: market.addr,
        clients: 8,
        warm_up: Duration::ZERO,
        duration: Duration::from_mins(1),
        max_requests: REQUESTS,
        expected: &[status],
        watched: &Watched::default(),
    };
    let file = market.data.join("perf.txt");
    let mut command = perf(&file);
    let perf = ChildProcess::spawn(command.args(["-p", &market.process.to_string()]))?;
    // Until perf has attached itself to all threads; the services do little meanwhile.
    tokio::time::sleep(Duration::from_millis(300)).await;
    run_closed(plan, request).await?;
    perf.stop_by(Signal::INT).await?;
    let counted = parse(&fs::read_to_string(&file)?).ok_or("perf has counted nothing")?;
    let id = format!("instructions.{name}");
    recorder.record(
        &id,
        "instructions per request",
        Better::Less,
        float(counted) / float(REQUESTS),
    );
    Ok(())
}

/// Returns why instructions cannot be counted here; `None` if they can.
fn reason_not_to_count(folder: &Path) -> Option<String> {
    let file = folder.join("perf.txt");
    match perf(&file)
        .arg("true")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
    {
        Err(_) => return Some("perf is not installed".to_owned()),
        Ok(status) if !status.success() => return Some("perf is not permitted".to_owned()),
        Ok(_) => {}
    }
    match parse(&fs::read_to_string(&file).unwrap_or_default()) {
        Some(_) => None,
        None => Some("the processor of this machine offers no counter".to_owned()),
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
fn parse(output: &str) -> Option<u64> {
    let line = output.lines().find(|line| line.contains("instructions"))?;
    line.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_read_and_a_missing_counter_is_none() {
        assert_eq!(
            parse("# started\n\n123456,,instructions:u,10,100.00,,\n"),
            Some(123_456)
        );
        assert_eq!(parse("<not supported>,,instructions:u,0,100.00,,\n"), None);
        assert_eq!(parse(""), None);
    }
}
