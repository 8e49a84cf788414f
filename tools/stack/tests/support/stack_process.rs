use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use testkit::{Client, amqp_url_with_password};

use super::{
    banner::{NAMES, read_banner, urls_of},
    test_data::{PROCESS_TIMEOUT, block_on_new_thread},
};

/// The timeout of the rest of standard error when a process has ended.
const STDERR_TIMEOUT: Duration = Duration::from_secs(5);

/// The `stack` binary in a process of its own, which a test can kill.
pub(crate) struct StackProcess {
    process: Child,
    stderr: Receiver<String>,
    /// The URLs of the front door and of the services.
    pub(crate) urls: Vec<String>,
    banner: Vec<String>,
}

/// The end of a process.
#[derive(Debug)]
pub(crate) struct ProcessExit {
    pub(crate) code: Option<i32>,
    pub(crate) stderr: String,
}

/// Returns the command `stack dev` with a data folder, on free ports.
pub(crate) fn dev_command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
    command
        .args(["dev", "--data"])
        .arg(data)
        .env("TICKETING_PORT", "0")
        .env("AMQP_URL", amqp_url_with_password())
        .env_remove("SMTP_URL");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl StackProcess {
    /// Starts a [`dev_command`], and waits until it has printed its banner.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let stderr = lines(process.stderr.take().unwrap());
        let stdout = process.stdout.take().unwrap();
        let (sender, banner) = mpsc::channel();
        thread::spawn(move || sender.send(read_banner(stdout)));
        let banner = banner.recv_timeout(PROCESS_TIMEOUT).unwrap_or_default();
        let urls = urls_of(&banner);
        if urls.len() != NAMES.len() {
            let _ = process.kill();
            panic!("the stack did not start: {urls:?}: {}", remaining(&stderr));
        }
        Self {
            process,
            stderr,
            urls,
            banner,
        }
    }

    /// Returns the URL of the front door.
    pub(crate) fn url(&self) -> &str {
        &self.urls[0]
    }

    /// Returns what the banner says beside a name.
    pub(crate) fn line_of_banner(&self, name: &str) -> Option<&str> {
        let lines = self
            .banner
            .iter()
            .filter_map(|line| line.trim_matches(['│', ' ']).split_once(' '));
        lines
            .map(|(known, value)| (known, value.trim()))
            .find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Returns a client of the front door without an access token.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.url())
    }

    /// Sends SIGKILL, and waits for the end of the process.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Sends a signal such as `INT` or `TERM`.
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

    /// Waits for a line on standard error that contains a text.
    pub(crate) fn wait_for_line(&self, text: &str) {
        let deadline = Instant::now() + PROCESS_TIMEOUT;
        while !self
            .stderr
            .recv_timeout(deadline - Instant::now())
            .unwrap()
            .contains(text)
        {}
    }

    /// Waits until the process ends by itself.
    pub(crate) fn wait(mut self) -> ProcessExit {
        let code = wait_for_exit_code(&mut self.process);
        ProcessExit {
            code,
            stderr: remaining(&self.stderr),
        }
    }

    /// Stops the process with SIGTERM, and asserts its exit code.
    pub(crate) fn stop(self) {
        self.signal("TERM");
        let exit = self.wait();
        assert_eq!(exit.code, Some(143), "{}", exit.stderr);
    }
}

impl Drop for StackProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a command that ends by itself.
pub(crate) fn run(mut command: Command) -> ProcessExit {
    let mut process = command.spawn().unwrap();
    let stderr = lines(process.stderr.take().unwrap());
    let code = wait_for_exit_code(&mut process);
    ProcessExit {
        code,
        stderr: remaining(&stderr),
    }
}

fn wait_for_exit_code(process: &mut Child) -> Option<i32> {
    let deadline = Instant::now() + PROCESS_TIMEOUT;
    let status = block_on_new_thread(async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            if let Some(status) = process.try_wait().unwrap() {
                return Some(status);
            }
            if Instant::now() > deadline {
                return None;
            }
        }
    });
    let Some(status) = status else {
        let _ = process.kill();
        panic!("the process has not ended");
    };
    status.code()
}

/// Reads the lines of a stream on a thread of its own.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    });
    lines
}

/// Returns the unread lines of a process that has ended.
fn remaining(lines: &Receiver<String>) -> String {
    let mut remaining = Vec::new();
    loop {
        match lines.recv_timeout(STDERR_TIMEOUT) {
            Ok(line) => remaining.push(line),
            Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => return remaining.join("\n"),
        }
    }
}
