use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{self, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use testkit::amqp_url_with_password;

use crate::home::{PATIENCE, apart};

/// The real binary, in a process of its own, which can be killed.
pub(crate) struct Child {
    process: process::Child,
    errors: Receiver<String>,
    /// The front door.
    pub(crate) url: String,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// What it had to say, on standard error.
    pub(crate) said: String,
}

/// `stack dev` on ports that are free, with data in a folder.
pub(crate) fn dev(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
    command
        .args(["dev", "--data"])
        .arg(data)
        .env("TICKETING_PORT", "0")
        .env("AMQP_URL", amqp_url_with_password());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Child {
    /// Starts `stack dev`, and waits until it says where to look.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let errors = lines(process.stderr.take().unwrap());
        let board = lines(process.stdout.take().unwrap());
        let mut url = None;
        loop {
            match board.recv_timeout(PATIENCE) {
                Ok(line) if line.starts_with('╰') => break,
                Ok(line) => {
                    if let Some((_, rest)) = line.split_once("front door") {
                        url = rest.split_whitespace().next().map(ToOwned::to_owned);
                    }
                }
                Err(error) => {
                    let _ = process.kill();
                    panic!("it did not start: {error}: {}", rest(&errors));
                }
            }
        }
        Self {
            process,
            errors,
            url: url.unwrap(),
        }
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Sends a signal: `INT`, `TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits until it says this.
    pub(crate) fn says(&self, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self
            .errors
            .recv_timeout(deadline - Instant::now())
            .unwrap()
            .contains(what)
        {}
    }

    /// Waits for it to end by itself.
    pub(crate) fn ended(mut self) -> Ended {
        let code = wait(&mut self.process);
        Ended {
            code,
            said: rest(&self.errors),
        }
    }

    /// Stops it as an operator would.
    pub(crate) fn stop(self) {
        self.signal("TERM");
        let ended = self.ended();
        assert_eq!(ended.code, Some(143), "{}", ended.said);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs something that ends by itself, and soon.
pub(crate) fn run(mut command: Command) -> Ended {
    let mut process = command.spawn().unwrap();
    let errors = lines(process.stderr.take().unwrap());
    let code = wait(&mut process);
    Ended {
        code,
        said: rest(&errors),
    }
}

fn wait(process: &mut process::Child) -> Option<i32> {
    let deadline = Instant::now() + PATIENCE;
    let ended = apart(async {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        loop {
            looks.tick().await;
            if let Some(status) = process.try_wait().unwrap() {
                return Some(status);
            }
            if Instant::now() > deadline {
                return None;
            }
        }
    });
    let Some(status) = ended else {
        let _ = process.kill();
        panic!("it does not end");
    };
    status.code()
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// What is left to be read of a process that has ended.
fn rest(lines: &Receiver<String>) -> String {
    let mut rest = Vec::new();
    loop {
        match lines.recv_timeout(Duration::from_secs(5)) {
            Ok(line) => rest.push(line),
            Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => return rest.join("\n"),
        }
    }
}
