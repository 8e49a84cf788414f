//! A window of Chromium.

use std::{process::Stdio, time::Duration};

use fantoccini::{Client, ClientBuilder, Locator, wd::Capabilities};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use tokio_util::task::TaskTracker;

/// The longest wait for a change of a page.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The attempts to start the driver. It takes a free port of IPv6, and ends if that of IPv4 with the same number is in use.
const MAX_STARTS: usize = 20;

/// A window with an empty profile, and the process that controls it.
pub(crate) struct Window {
    client: Client,
    // Ended with the window.
    _driver: Child,
    _profile: TempDir,
}

impl Window {
    /// Opens a window; `None` with a printed reason if this machine has no Chromium.
    pub(crate) async fn open() -> Option<Self> {
        let mut starts = 0;
        let (driver, port) = loop {
            let Ok(driver) = spawn_driver() else {
                println!("skipped: chromedriver is not installed (Debian: chromium-driver)");
                return None;
            };
            if let Some(listening) = listening(driver).await {
                break listening;
            }
            starts += 1;
            assert!(starts < MAX_STARTS, "chromedriver does not start");
        };
        let profile = tempfile::tempdir().unwrap();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&profile))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        Some(Self {
            client,
            _driver: driver,
            _profile: profile,
        })
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Waits for an element of the page, or of the frame that is entered.
    pub(crate) async fn find(&self, css: &str) -> fantoccini::elements::Element {
        let wait = self.client.wait().at_most(TIMEOUT);
        wait.for_element(Locator::Css(css)).await.unwrap()
    }

    /// Enters the frame that an element contains.
    pub(crate) async fn enter(&self, css: &str) {
        self.find(css).await.enter_frame().await.unwrap();
    }

    pub(crate) async fn leave(&self) {
        self.client.enter_parent_frame().await.unwrap();
    }

    /// Types a card into the frame of the element.
    pub(crate) async fn type_card(&self, number: &str, expiry: &str, cvc: &str) {
        self.enter("#payment iframe").await;
        self.find("#card:not([hidden])").await;
        for (field, text) in [("#number", number), ("#expiry", expiry), ("#cvc", cvc)] {
            let input = self.find(field).await;
            input.clear().await.unwrap();
            input.send_keys(text).await.unwrap();
        }
        self.leave().await;
    }

    /// Sends the form, and returns what the script returned.
    pub(crate) async fn pay(&self) -> Value {
        self.click("#submit").await;
        self.result().await
    }

    pub(crate) async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap();
    }

    /// Waits for the result of `confirmPayment`.
    pub(crate) async fn result(&self) -> Value {
        self.find("#result:not(:empty)").await;
        serde_json::from_str(&self.text("#result").await).unwrap()
    }

    /// Waits until the page has received an event of the element.
    pub(crate) async fn event(&self, is_expected: impl Fn(&Value) -> bool) -> Value {
        loop {
            self.find("#events:not(:empty)").await;
            let events: Vec<Value> = serde_json::from_str(&self.text("#events").await).unwrap();
            if let Some(event) = events.into_iter().find(|event| is_expected(event)) {
                return event;
            }
        }
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        let text = self.find(css).await.prop("textContent").await.unwrap();
        text.unwrap_or_default()
    }

    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    pub(crate) async fn address(&self) -> url::Url {
        self.client.current_url().await.unwrap()
    }

    pub(crate) async fn close(self) {
        self.client.close().await.unwrap();
    }
}

fn capabilities(profile: &TempDir) -> Capabilities {
    let arguments = [
        "--headless=new".to_owned(),
        format!("--user-data-dir={}", profile.path().display()),
        "--no-proxy-server".to_owned(),
        // The only pages are those of the test, and a sandbox refuses to run as root.
        "--no-sandbox".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-gpu".to_owned(),
    ];
    let Value::Object(capabilities) = json!({ "browserName": "chrome", "goog:chromeOptions": { "args": arguments } })
    else {
        unreachable!("capabilities are an object")
    };
    capabilities
}

fn spawn_driver() -> std::io::Result<Child> {
    Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}

/// Waits until the driver listens, and returns it with its port; `None` if it has ended.
async fn listening(mut driver: Child) -> Option<(Child, String)> {
    let mut lines = BufReader::new(driver.stdout.take()?).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            let port = port.trim_end_matches('.').to_owned();
            // Reads to the end: the driver must never wait for a reader.
            TaskTracker::new().spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some((driver, port));
        }
    }
    None
}
