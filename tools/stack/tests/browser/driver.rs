//! The `ChromeDriver` process that controls one browser.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::{
    look::Device,
    support::PROCESS_TIMEOUT,
    tools::{is_root, tool},
};

/// The timeout of a driver and its browser to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// The attempts to start a driver. It takes a free port of IPv6, and ends if that of IPv4 with the same number is in use.
const MAX_STARTS: usize = 20;

/// A `ChromeDriver` process on a free port.
pub(crate) struct Driver {
    process: Child,
    pub(crate) url: String,
}

impl Driver {
    /// Starts a driver, and waits until it listens.
    pub(crate) fn start() -> Self {
        let started = (0..MAX_STARTS).find_map(|_| Self::try_start());
        started.expect("ChromeDriver does not start")
    }

    /// Returns `None` if the driver has ended.
    fn try_start() -> Option<Self> {
        let mut process = Command::new(tool("chromedriver"))
            .args(["--port=0", "--log-level=SEVERE"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (sender, port) = mpsc::channel();
        // Reads to the end: the driver must never wait for a reader.
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    let _ = sender.send(port.trim_end_matches('.').to_owned());
                }
            }
        });
        match port.recv_timeout(PROCESS_TIMEOUT) {
            Ok(port) => Some(Self {
                process,
                url: format!("http://127.0.0.1:{port}"),
            }),
            Err(RecvTimeoutError::Disconnected) => {
                process.wait().unwrap();
                None
            }
            Err(RecvTimeoutError::Timeout) => panic!("ChromeDriver does not listen after {PROCESS_TIMEOUT:?}"),
        }
    }
}

impl Drop for Driver {
    /// Ends the driver; it closes its browser first.
    fn drop(&mut self) {
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-s", "TERM", &id]).status();
        let (sender, ended) = mpsc::channel();
        let process = &mut self.process;
        thread::scope(|scope| {
            scope.spawn(move || {
                // The process is ours and not yet awaited, so its id cannot belong to another one.
                if ended.recv_timeout(STOP_TIMEOUT).is_err() {
                    let _ = Command::new("kill").args(["-s", "KILL", &id]).status();
                }
            });
            let _ = process.wait();
            let _ = sender.send(());
        });
    }
}

/// Returns the capabilities of a session: a browser with an empty profile that reaches this machine alone.
pub(crate) fn capabilities(profile: &Path, device: Device, language: &str, more: &[String]) -> Capabilities {
    let (width, height) = device.size();
    let mut arguments = vec![
        "--headless=new".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        format!("--window-size={width},{height}"),
        format!("--lang={language}"),
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1".to_owned(),
        "--no-proxy-server".to_owned(),
        // The shared memory of a container is small.
        "--disable-dev-shm-usage".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-gpu".to_owned(),
        "--hide-scrollbars".to_owned(),
        "--no-first-run".to_owned(),
        "--force-color-profile=srgb".to_owned(),
    ];
    arguments.extend_from_slice(more);
    if is_root() {
        // The sandbox of Chromium refuses to run as root. The pages are those of the stack under test.
        arguments.push("--no-sandbox".to_owned());
    }
    let Value::Object(capabilities) = json!({
        "browserName": "chrome",
        "goog:chromeOptions": {
            "binary": tool("chromium"),
            "args": arguments,
            "prefs": {"intl.accept_languages": language, "credentials_enable_service": false},
            "perfLoggingPrefs": {"enableNetwork": true, "enablePage": false},
        },
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
    }) else {
        unreachable!("capabilities are an object")
    };
    capabilities
}

/// A command of `ChromeDriver` beyond the standard.
#[derive(Debug)]
pub(crate) struct ChromeCommand {
    path: &'static str,
    body: Value,
}

impl ChromeCommand {
    /// Returns the entries of a log since the last call.
    pub(crate) fn log(name: &str) -> Self {
        Self {
            path: "se/log",
            body: json!({"type": name}),
        }
    }

    /// A command of the `DevTools` protocol.
    pub(crate) fn dev_tools(command: &str, parameters: &Value) -> Self {
        Self {
            path: "goog/cdp/execute",
            body: json!({"cmd": command, "params": parameters}),
        }
    }
}

impl WebDriverCompatibleCommand for ChromeCommand {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
