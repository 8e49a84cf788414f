//! How much memory the idle stack takes: all five services, the Stripe simulator and the front door, in release. Run it with
//! `cargo bench -p stack --bench memory`; it needs a broker (`just broker`).

use std::{
    error::Error,
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, ExitCode, Stdio},
    time::Duration,
};

/// The goal, in MiB.
const GOAL: u64 = 60;

fn main() -> ExitCode {
    match measured() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("memory: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Says whether the goal is met.
fn measured() -> Result<bool, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let mut stack = Command::new(env!("CARGO_BIN_EXE_stack"))
        .args(["dev", "--port", "0", "--data"])
        .arg(&data)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()?;
    let outcome = observed(&mut stack);
    stack.kill()?;
    stack.wait()?;
    let namespace = fs::read_to_string(data.join("namespace"))?.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(stack::delete_namespace(&testkit::amqp_url(), &namespace))?;
    outcome
}

fn observed(stack: &mut Child) -> Result<bool, Box<dyn Error>> {
    let mut url = None;
    for line in BufReader::new(stack.stdout.take().ok_or("no output")?).lines() {
        let line = line?;
        if let Some((_, rest)) = line.split_once("front door") {
            url = rest.split_whitespace().next().map(ToOwned::to_owned);
        }
        if line.starts_with('╰') {
            break;
        }
    }
    let url = url.ok_or("the stack did not start")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let calm = || runtime.block_on(async { tokio::time::sleep(Duration::from_secs(10)).await });
    calm();
    let started = told("ten seconds after the start", stack.id())?;
    for _ in 0..3 {
        runtime.block_on(stack::demo::run(&url, Duration::from_secs(30), |_| {}))?;
    }
    calm();
    let used = told("ten seconds after three demos", stack.id())?;
    Ok(started.max(used) <= GOAL * 1024)
}

/// Prints what a process takes, and gives its resident memory in KiB.
fn told(when: &str, process: u32) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let field = |name: &str| -> Result<u64, Box<dyn Error>> {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .ok_or("no such field")?;
        Ok(line
            .trim_start_matches(':')
            .split_whitespace()
            .next()
            .ok_or("an empty field")?
            .parse()?)
    };
    let (resident, own) = (field("VmRSS")?, field("RssAnon")?);
    println!(
        "{when}: {} MiB resident (goal {GOAL}), of which {} MiB are its own and the rest is the program; {} threads",
        resident.div_ceil(1024),
        own.div_ceil(1024),
        field("Threads")?
    );
    Ok(resident)
}
