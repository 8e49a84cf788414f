//! Measures the memory of the idle stack in a release build: six services, the Stripe simulator, the front door.
//! Run it with `cargo bench -p stack --bench memory`; it needs a broker (`just broker`).

#[path = "../tests/support/banner.rs"]
mod banner;

use std::{
    error::Error,
    fs,
    process::{Child, Command, ExitCode, Stdio},
    time::Duration,
};

/// The limit of resident memory in MiB.
const LIMIT_MIB: u64 = 60;

/// The time without requests before a measurement.
const IDLE_TIME: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("memory: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Starts a stack, measures it, and stops it. Returns whether it stayed within the limit.
fn run() -> Result<bool, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let mut stack = Command::new(env!("CARGO_BIN_EXE_stack"))
        .args(["dev", "--port", "0", "--data"])
        .arg(&data)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()?;
    let outcome = measure(&mut stack);
    stack.kill()?;
    stack.wait()?;
    let namespace = fs::read_to_string(data.join("namespace"))?.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(stack::delete_namespace(&testkit::amqp_url(), &namespace))?;
    outcome
}

fn measure(stack: &mut Child) -> Result<bool, Box<dyn Error>> {
    let urls = banner::urls_of(&banner::read_banner(stack.stdout.take().ok_or("no output")?));
    let front_door = urls.first().ok_or("the stack did not start")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let idle = || runtime.block_on(async { tokio::time::sleep(IDLE_TIME).await });
    idle();
    let after_start = report_memory("ten seconds after the start", stack.id())?;
    for _ in 0..3 {
        runtime.block_on(stack::demo::run(front_door, Duration::from_secs(30), |_| {}))?;
    }
    idle();
    let after_use = report_memory("ten seconds after three demos", stack.id())?;
    Ok(after_start.max(after_use) <= LIMIT_MIB * 1024)
}

/// Prints the memory of a process, and returns its resident memory in KiB.
fn report_memory(moment: &str, process: u32) -> Result<u64, Box<dyn Error>> {
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
    let (resident, anonymous) = (field("VmRSS")?, field("RssAnon")?);
    println!(
        "{moment}: {} MiB resident (limit {LIMIT_MIB}), {} MiB of it anonymous, the rest the mapped binary; {} threads",
        resident.div_ceil(1024),
        anonymous.div_ceil(1024),
        field("Threads")?
    );
    Ok(resident)
}
