//! The browser of one person.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
};

use fantoccini::{
    Client, ClientBuilder, Locator,
    elements::Element,
    error::{CmdError, NewSessionError},
    key::Key,
};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    console::Console,
    driver::{ChromeCommand, Driver, capabilities},
    eventually,
    look::{Device, Scheme},
    support::block_on_new_thread,
};

/// How a browser is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) device: Device,
    pub(crate) scheme: Scheme,
    pub(crate) language: &'static str,
    /// Whether pages may run scripts.
    pub(crate) scripts: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            device: Device::Desktop,
            scheme: Scheme::Light,
            language: "en",
            scripts: true,
        }
    }
}

/// The attempts to start a browser, which takes longer than its driver waits if the machine stands still.
const MAX_STARTS: usize = 3;

/// The most controls of a page that are passed with the keyboard.
const MOST_STOPS: usize = 100;

/// Returns the label or the text of the control that has the focus, and whether a person sees that it has.
const DESCRIBE_FOCUS: &str = r#"
    const element = document.activeElement, style = getComputedStyle(element);
    const text = element.labels?.[0]?.innerText || element.getAttribute("aria-label") || element.innerText || "";
    const isVisible = element === document.body || element.tagName === "IFRAME"
        || style.outlineStyle !== "none" || style.boxShadow !== "none";
    return {text: text.trim(), isVisible, html: element.outerHTML.slice(0, 200)};
"#;

/// A browser with a profile of its own. When it is dropped, its console must be empty. If the test failed, the page, a
/// screenshot and the console are kept in a folder that is printed.
pub(crate) struct Browser {
    pub(crate) setup: Setup,
    name: String,
    /// The test's name.
    test: String,
    base: String,
    client: Client,
    console: Mutex<Console>,
    // The driver ends before its browser's profile is deleted.
    _driver: Driver,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser that opens paths of the site at `base`.
    pub(crate) async fn start(name: &str, base: &str, setup: Setup) -> Self {
        Self::start_with(name, base, setup, &[]).await
    }

    /// Starts a browser with more arguments.
    pub(crate) async fn start_with(name: &str, base: &str, setup: Setup, arguments: &[String]) -> Self {
        let mut started = Self::try_start(setup, arguments).await;
        for _ in 1..MAX_STARTS {
            if started.is_ok() {
                break;
            }
            started = Self::try_start(setup, arguments).await;
        }
        let (driver, profile, client) = started.unwrap();
        let browser = Self {
            setup,
            name: name.to_owned(),
            test: thread::current().name().unwrap_or("test").replace("::", "-"),
            base: base.to_owned(),
            client,
            console: Mutex::default(),
            _driver: driver,
            _profile: profile,
        };
        browser.look(setup.device, setup.scheme).await;
        if !setup.scripts {
            let disabled = json!({"value": true});
            browser
                .dev_tools("Emulation.setScriptExecutionDisabled", &disabled)
                .await;
        }
        browser
    }

    /// Starts a driver, and a browser with an empty profile.
    async fn try_start(setup: Setup, arguments: &[String]) -> Result<(Driver, TempDir, Client), NewSessionError> {
        let (driver, profile) = (Driver::start(), tempfile::tempdir().unwrap());
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(profile.path(), setup.device, setup.language, arguments))
            .connect(&driver.url)
            .await?;
        Ok((driver, profile, client))
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a command of the `DevTools` protocol to the page.
    pub(crate) async fn dev_tools(&self, command: &str, parameters: &Value) -> Value {
        let command = ChromeCommand::dev_tools(command, parameters);
        self.client.issue_cmd(command).await.unwrap()
    }

    /// Sets the width of the page and its colour scheme.
    pub(crate) async fn look(&self, device: Device, scheme: Scheme) {
        self.dev_tools("Emulation.setDeviceMetricsOverride", &device.metrics())
            .await;
        self.dev_tools("Emulation.setEmulatedMedia", &scheme.media()).await;
    }

    /// Opens a path of the site, and waits until it is loaded.
    pub(crate) async fn open(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.base)).await.unwrap();
    }

    /// Opens an address of another site.
    pub(crate) async fn open_elsewhere(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub(crate) async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    pub(crate) async fn back(&self) {
        self.client.back().await.unwrap();
    }

    /// Returns the path of the page with its query.
    pub(crate) async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{query}", url.path())
    }

    /// Returns the text of the page as a person reads it.
    pub(crate) async fn text(&self) -> String {
        // While a page is replaced by the next one there is no body.
        match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Waits until the page shows a text.
    #[track_caller]
    pub(crate) fn sees(&self, text: &str) -> impl Future<Output = ()> {
        let what = format!("{} sees {text:?}", self.name);
        async move { eventually(&what, || async { self.text().await.contains(text).then_some(()) }).await }
    }

    /// Waits until the page is at a path that begins with these characters.
    pub(crate) async fn arrives_at(&self, path: &str) {
        let what = format!("{} arrives at {path}", self.name);
        eventually(&what, || async { self.path().await.starts_with(path).then_some(()) }).await;
    }

    /// Waits until there is a visible element.
    pub(crate) async fn find(&self, locator: Locator<'_>) -> Element {
        let what = format!("{} finds {locator:?}", self.name);
        eventually(&what, || async { self.find_visible(locator).await.ok().flatten() }).await
    }

    /// Returns a visible element if there is one now.
    pub(crate) async fn find_now(&self, css: &str) -> Option<Element> {
        self.find_visible(Locator::Css(css)).await.ok().flatten()
    }

    pub(crate) async fn find_visible(&self, locator: Locator<'_>) -> Result<Option<Element>, CmdError> {
        for element in self.client.find_all(locator).await? {
            if element.is_displayed().await? {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }

    /// Presses the button or the link with this text.
    pub(crate) async fn press(&self, text: &str) {
        self.press_one_of("self::button or self::a or self::summary", text)
            .await;
    }

    /// Presses the button with this text, where a link has the same one.
    pub(crate) async fn press_button(&self, text: &str) {
        self.press_one_of("self::button", text).await;
    }

    async fn press_one_of(&self, elements: &str, text: &str) {
        let quoted = quote(text);
        let path = format!("//*[{elements}][normalize-space()={quoted} or @aria-label={quoted}]");
        let what = format!("{} presses {text:?}", self.name);
        eventually(&what, || async {
            let element = self.find_visible(Locator::XPath(&path)).await.ok().flatten()?;
            // Another element may cover it while the page moves.
            element.click().await.ok()
        })
        .await;
    }

    /// Enters the frame that an element contains.
    pub(crate) async fn enter_frame(&self, css: &str) {
        let what = format!("{} enters {css}", self.name);
        eventually(&what, || async {
            let frame = self.client.find(Locator::Css(css)).await.ok()?;
            frame.enter_frame().await.ok()
        })
        .await;
    }

    pub(crate) async fn leave_frame(&self) {
        self.client.enter_parent_frame().await.unwrap();
    }

    /// Returns the number of elements.
    pub(crate) async fn count(&self, css: &str) -> usize {
        self.client
            .find_all(Locator::Css(css))
            .await
            .map_or(0, |found| found.len())
    }

    /// Returns the input, select or text area whose label begins with this text.
    pub(crate) async fn field(&self, label: &str) -> Element {
        let label = quote(label);
        let labels = format!("//label[starts-with(normalize-space(),{label})]");
        let path = format!(
            "//*[self::input or self::select or self::textarea][@id={labels}/@for or ancestor::label[starts-with(normalize-space(),{label})] or starts-with(@aria-label,{label})]"
        );
        self.find(Locator::XPath(&path)).await
    }

    /// Enters a text into the field with this label, in place of the former one.
    pub(crate) async fn fill(&self, label: &str, value: &str) {
        let field = self.field(label).await;
        let kind = field.attr("type").await.unwrap().unwrap_or_default();
        if kind.starts_with("date") || kind == "time" {
            // The keys that set a date depend on the language.
            let script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'));";
            let element = serde_json::to_value(&field).unwrap();
            self.client.execute(script, vec![element, json!(value)]).await.unwrap();
        } else {
            field.clear().await.unwrap();
            field.send_keys(value).await.unwrap();
        }
    }

    /// Moves the focus forward with the keyboard to the control with this label or text. Every control on the way shows that
    /// it has the focus.
    pub(crate) async fn tab_to(&self, label: &str) {
        self.try_tab_to(label).await.unwrap();
    }

    /// The same. Fails if the page is replaced meanwhile.
    pub(crate) async fn try_tab_to(&self, label: &str) -> Result<(), CmdError> {
        let page = self.client.find(Locator::Css("html")).await?;
        for _ in 0..MOST_STOPS {
            let focused = self.client.active_element().await?;
            focused.send_keys(&char::from(Key::Tab).to_string()).await?;
            let focus = self.client.execute(DESCRIBE_FOCUS, vec![]).await?;
            // Fails if the focus is in another page.
            page.tag_name().await?;
            assert_eq!(
                focus["isVisible"], true,
                "{}: the focus is not visible: {focus}",
                self.name
            );
            if focus["text"].as_str().unwrap().starts_with(label) {
                return Ok(());
            }
        }
        panic!("{} does not reach {label:?} with the keyboard", self.name);
    }

    /// Types a text where the focus is.
    pub(crate) async fn type_text(&self, text: &str) {
        let focused = self.client.active_element().await.unwrap();
        focused.send_keys(text).await.unwrap();
    }

    /// Chooses an option of the select with this label.
    pub(crate) async fn choose(&self, label: &str, option: &str) {
        self.field(label).await.select_by_label(option).await.unwrap();
    }

    /// Returns the first bytes of what a path of the site responds to this browser, as text.
    pub(crate) async fn beginning_of(&self, path: &str) -> String {
        let script = "const [path, done] = arguments; fetch(path).then(response => response.arrayBuffer())\
            .then(bytes => done(String.fromCharCode(...new Uint8Array(bytes.slice(0, 20)))), error => done(String(error)))";
        let read = self.client.execute_async(script, vec![json!(path)]).await.unwrap();
        read.as_str().unwrap().to_owned()
    }

    /// Returns the cookies of the site as a request sends them.
    pub(crate) async fn cookies(&self) -> String {
        let cookies = self.client.get_all_cookies().await.unwrap();
        let pairs = cookies
            .iter()
            .map(|cookie| format!("{}={}", cookie.name(), cookie.value()));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Declares that a page causes console messages with this text.
    pub(crate) fn expect_console(&self, text: &str) {
        self.console.lock().unwrap().expect(text);
    }

    /// Reads the console since the last call.
    async fn read_console(&self) {
        let entries = self.client.issue_cmd(ChromeCommand::log("browser")).await.unwrap();
        self.console.lock().unwrap().add(&entries);
    }

    /// Returns what pages wrote to the console against expectation.
    pub(crate) async fn console_messages(&self) -> Vec<String> {
        self.read_console().await;
        self.console.lock().unwrap().unexpected()
    }

    /// Saves the page, a screenshot and the console in a folder, and returns it.
    async fn save_failure(&self) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser").join(&self.test);
        fs::create_dir_all(&folder).unwrap();
        let file = |extension| folder.join(format!("{}.{extension}", self.name));
        let url = self.client.current_url().await.map(String::from).unwrap_or_default();
        let console = format!("{url}\n{}", self.console.lock().unwrap());
        fs::write(file("console.txt"), console).unwrap();
        if let Ok(source) = self.client.source().await {
            fs::write(file("html"), source).unwrap();
        }
        if let Ok(screenshot) = self.client.screenshot().await {
            fs::write(file("png"), screenshot).unwrap();
        }
        folder
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let failed = thread::panicking();
        let (messages, folder) = block_on_new_thread(async {
            let messages = self.console_messages().await;
            let keep = failed || !messages.is_empty();
            let folder = if keep { Some(self.save_failure().await) } else { None };
            let _ = self.client.clone().close().await;
            (messages, folder)
        });
        if let Some(folder) = folder {
            eprintln!("the page of {} is kept in {}", self.name, folder.display());
        }
        if !failed {
            assert!(messages.is_empty(), "the console of {}: {messages:#?}", self.name);
        }
    }
}

/// Returns a text as a literal of `XPath`, which has no escapes.
pub(crate) fn quote(text: &str) -> String {
    assert!(!text.contains('"'), "{text}");
    format!("\"{text}\"")
}
