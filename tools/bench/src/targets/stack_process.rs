use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use bus::AmqpUrl;

use super::{Account, Market};
use crate::{BenchResult, processes::ChildProcess};

/// Settings that lift what one machine with one load generator would reach: it has few accounts and one address.
const LIFTED_LIMITS: [(&str, &str); 7] = [
    ("TICKETING_MAX_TICKETS_PER_ORDER", "1000000"),
    ("TICKETING_MAX_OPEN_ORDERS", "1000000"),
    ("TICKETING_MAX_UNPAID_HOLDS", "1000"),
    ("TICKETING_UNPAID_HOLD_WINDOW_SECONDS", "1"),
    ("TICKETING_UNPAID_HOLD_PAUSE_SECONDS", "0"),
    ("TICKETING_SIGN_UPS_PER_ADDRESS", "1000000"),
    ("TICKETING_DECLINED_CARDS_PER_NETWORK", "0"),
];

/// The marketplace in a process of its own.
#[derive(Debug)]
pub struct StackProcess {
    process: ChildProcess,
    front_door: SocketAddr,
    services: Vec<SocketAddr>,
    data: PathBuf,
    /// The time from the start of the process until it was ready.
    pub start_time: Duration,
}

impl StackProcess {
    /// Starts the program `stack` beside this one, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// A program that is not built, and one that ends before it is ready.
    pub fn start(data: &Path, broker: &str) -> BenchResult<Self> {
        Self::start_under(&[], data, broker)
    }

    /// Does the same as an argument of another command, such as `valgrind`.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn start_under(launcher: &[String], data: &Path, broker: &str) -> BenchResult<Self> {
        let started = Instant::now();
        let stack = program_beside("stack")?;
        let mut command = match launcher.split_first() {
            None => Command::new(stack),
            Some((launcher, arguments)) => {
                let mut command = Command::new(launcher);
                command.args(arguments).arg(stack);
                command
            }
        };
        command
            .args(["dev", "--port", "0", "--log", "error", "--data"])
            .arg(data);
        command.env("AMQP_URL", broker).envs(LIFTED_LIMITS);
        // Its messages are of interest only if it does not start.
        let log = data.with_extension("log");
        command.stderr(fs::File::create(&log)?);
        let mut process = ChildProcess::spawn(&mut command)?;
        let addresses = read_addresses(process.take_stdout()?);
        let Some((front_door, services)) = addresses.split_first() else {
            return Err(format!("the stack did not start: {}", fs::read_to_string(&log)?).into());
        };
        Ok(Self {
            process,
            front_door: *front_door,
            services: services.to_vec(),
            data: data.to_owned(),
            start_time: started.elapsed(),
        })
    }

    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Returns the address of the front door.
    pub const fn addr(&self) -> SocketAddr {
        self.front_door
    }

    /// Returns the addresses of the services.
    pub fn services(&self) -> &[SocketAddr] {
        &self.services
    }

    /// Returns the marketplace with people who are signed in; the first one lists tickets, the others buy.
    ///
    /// # Errors
    ///
    /// There are no people.
    pub fn market(&self, people: Vec<Account>) -> BenchResult<Market> {
        let addresses = (self.front_door, self.services.clone());
        Market::new(addresses, self.data.clone(), self.process.id(), people)
    }

    /// Stops the process, which publishes its events before. The databases are left.
    ///
    /// # Errors
    ///
    /// It does not end.
    pub async fn stop(self) -> BenchResult<()> {
        self.process.stop().await
    }
}

/// Deletes the queues that the stack of a data folder has declared.
///
/// # Errors
///
/// A broker that is not reachable.
pub async fn delete_queues(data: &Path, broker: &str) -> BenchResult<()> {
    let namespace = fs::read_to_string(data.join("namespace"))?.parse()?;
    let broker: AmqpUrl = broker.parse()?;
    Ok(stack::delete_namespace(&broker, &namespace).await?)
}

/// Returns the path of another program of the same build.
///
/// # Errors
///
/// It is not built.
pub fn program_beside(name: &str) -> BenchResult<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if path.exists() {
        return Ok(path);
    }
    Err(format!("{} is missing: build it, or run `just bench`", path.display()).into())
}

/// Reads the banner that `stack dev` prints when it has started. Returns the addresses of the front door and of the
/// services; none if the process ended before.
fn read_addresses(stdout: impl Read) -> Vec<SocketAddr> {
    let lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let lines = lines.take_while(|line| !line.starts_with('╰'));
    lines.filter_map(|line| address(&line)).collect()
}

/// Returns the address in a line of the banner about the front door or a service: `│   order  http://127.0.0.1:4003/docs │`.
fn address(line: &str) -> Option<SocketAddr> {
    let mut words = line.split_whitespace().skip(1);
    let name = words.next()?;
    if name != "front" && !stack::SERVICES.iter().any(|service| service.name == name) {
        return None;
    }
    let url = words.find_map(|word| word.strip_prefix("http://"))?;
    url.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_has_the_front_door_before_the_services() {
        let banner = "╭─ Ticketing is running ─╮\n\
                      │ front door        http://127.0.0.1:4000 │\n\
                      │ API reference     http://127.0.0.1:4000/docs │\n\
                      │   auth            http://127.0.0.1:4001/docs │\n\
                      │   order           http://127.0.0.1:4003/docs │\n\
                      │ Stripe simulator  http://127.0.0.1:4010 │\n\
                      ╰─╯\n\
                      │ front door        http://127.0.0.1:9 │\n";
        let ports: Vec<_> = read_addresses(banner.as_bytes()).iter().map(SocketAddr::port).collect();
        assert_eq!(ports, [4000, 4001, 4003]);
    }
}
