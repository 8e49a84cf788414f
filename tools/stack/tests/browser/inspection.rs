//! What holds for every page in every look: axe-core finds nothing, nothing is wider than the screen. The same visit takes
//! the screenshots.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    sync::{LazyLock, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use fantoccini::error::CmdError;
use serde_json::{Value, json};

use crate::{
    browser::Browser,
    look::{Device, Scheme},
    tools::tool,
};

static AXE: LazyLock<String> = LazyLock::new(|| fs::read_to_string(tool("axe-core")).unwrap());

/// The attempts to inspect a page that is replaced meanwhile, as that of an order is whenever its state changes.
const MAX_INSPECTIONS: usize = 5;

/// The pages that were inspected in this process.
static INSPECTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Runs axe-core in one document: a frame is inspected by itself. The rules about a whole page do not apply to a frame, whose
/// background is that of the page.
const RUN_AXE: &str = r#"
    const [background, done] = arguments;
    const isFrame = background !== null, rules = {};
    for (const rule of isFrame ? ["region", "landmark-one-main", "page-has-heading-one"] : []) rules[rule] = {enabled: false};
    if (isFrame) document.documentElement.style.backgroundColor = background;
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"];
    axe.run(document, {runOnly: {type: "tag", values: tags}, rules, iframes: false, resultTypes: ["violations"]}).finally(() => {
        if (isFrame) document.documentElement.style.backgroundColor = "";
    }).then(
        result => done(result.violations.map(violation => ({
            rule: violation.id,
            help: violation.help,
            nodes: violation.nodes.slice(0, 3).map(node => node.html.slice(0, 300) + " — " + node.failureSummary),
        }))),
        error => done([{rule: "axe-core failed", help: String(error), nodes: []}]),
    );
"#;

/// Returns the colour that is behind each frame of the page; null for one that runs no scripts.
const FIND_BACKGROUNDS: &str = r#"
    return [...document.querySelectorAll("iframe")].map(frame => {
        if (frame.hasAttribute("sandbox") && !frame.sandbox.contains("allow-scripts")) return null;
        let element = frame;
        const color = () => getComputedStyle(element).backgroundColor;
        while (element.parentElement && color() === "rgba(0, 0, 0, 0)") element = element.parentElement;
        return color();
    });
"#;

/// Returns the addresses of the frames that run no scripts.
const FIND_SCRIPTLESS_FRAMES: &str = r#"
    return [...document.querySelectorAll("iframe[sandbox]")]
        .filter(frame => !frame.sandbox.contains("allow-scripts")).map(frame => frame.src);
"#;

/// Returns the elements that reach beyond the right edge of the screen, if the page can be moved sideways.
const FIND_OVERFLOW: &str = r#"
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll("body *")]
        .filter(element => element.getBoundingClientRect().right > width + 1)
        .slice(0, 5).map(element => element.outerHTML.slice(0, 200));
"#;

impl Browser {
    /// Inspects the page in every width and colour scheme, once for each `name`. The page must run scripts.
    pub(crate) async fn inspect(&self, name: &str) {
        if INSPECTED.lock().unwrap().insert(name.to_owned()) {
            let faults = self.faults(name).await;
            assert!(faults.is_empty(), "{name}: {}", faults.join("\n"));
        }
    }

    /// Returns the faults of the page in every width and colour scheme, and takes its pictures. What a frame without scripts
    /// shows is inspected as a page of its own, because axe-core is a script.
    pub(crate) async fn faults(&self, name: &str) -> Vec<String> {
        let mut faults = self.faults_of_document(name, Value::Null).await;
        let frames = self.client().execute(FIND_SCRIPTLESS_FRAMES, vec![]).await.unwrap();
        let frames: Vec<String> = serde_json::from_value(frames).unwrap();
        for frame in frames {
            let response = reqwest::get(frame).await.unwrap().error_for_status().unwrap();
            let html = response.text().await.unwrap();
            let copy = format!("data:text/html;charset=utf-8;base64,{}", STANDARD.encode(html));
            self.open_elsewhere(&copy).await;
            // It has the background that its colour scheme gives it.
            faults.extend(self.faults_of_document(&format!("{name}-frame"), json!("")).await);
            self.back().await;
        }
        faults
    }

    /// Returns the faults of a document; of a frame if there is a colour behind it.
    async fn faults_of_document(&self, name: &str, background: Value) -> Vec<String> {
        // Most faults are the same in every look.
        let mut faults = BTreeMap::<String, Vec<String>>::new();
        for device in Device::ALL {
            for scheme in Scheme::ALL {
                self.look(device, scheme).await;
                let look = format!("{}, {}", device.name(), scheme.name());
                for fault in self.faults_of_look(&background).await {
                    faults.entry(fault).or_default().push(look.clone());
                }
                if let Some(folder) = screenshots_folder() {
                    let file = folder.join(format!("{name}-{}-{}.png", device.name(), scheme.name()));
                    fs::write(file, self.full_screenshot(device).await).unwrap();
                }
            }
        }
        self.look(self.setup.device, self.setup.scheme).await;
        let describe = |(fault, looks): (String, Vec<String>)| format!("{}: {fault}", looks.join(" and "));
        faults.into_iter().map(describe).collect()
    }

    /// Returns the faults of the page in its present look. Those that a second inspection does not find are ignored: the
    /// look of a frame changes a moment after that of its page.
    async fn faults_of_look(&self, background: &Value) -> Vec<String> {
        let faults = self.settled_faults_of_look(background).await;
        if faults.is_empty() {
            return faults;
        }
        self.settled_faults_of_look(background).await
    }

    async fn settled_faults_of_look(&self, background: &Value) -> Vec<String> {
        for _ in 1..MAX_INSPECTIONS {
            if let Ok(faults) = self.try_faults_of_look(background).await {
                return faults;
            }
        }
        self.try_faults_of_look(background).await.unwrap()
    }

    /// The same. Fails if the page is replaced meanwhile.
    async fn try_faults_of_look(&self, background: &Value) -> Result<Vec<String>, CmdError> {
        let violations = self.accessibility_violations(background).await?;
        let mut faults: Vec<_> = violations.iter().map(|violation| format!("{violation:#}")).collect();
        let overflow = self.client().execute(FIND_OVERFLOW, vec![]).await?;
        if overflow != json!([]) {
            faults.push(format!("wider than the screen: {overflow:#}"));
        }
        Ok(faults)
    }

    /// Returns what axe-core finds in the document and in its frames that run scripts.
    async fn accessibility_violations(&self, background: &Value) -> Result<Vec<Value>, CmdError> {
        let mut violations = self.run_axe(background.clone()).await?;
        let backgrounds = self.client().execute(FIND_BACKGROUNDS, vec![]).await?;
        for (index, background) in (0..).zip(backgrounds.as_array().into_iter().flatten()) {
            if !background.is_null() && self.client().enter_frame(index).await.is_ok() {
                let found = self.run_axe(background.clone()).await;
                self.client().enter_parent_frame().await?;
                violations.extend(found?);
            }
        }
        Ok(violations)
    }

    async fn run_axe(&self, background: Value) -> Result<Vec<Value>, CmdError> {
        // DevTools evaluates it, so the content security policy of the page does not apply.
        self.client().execute(&AXE, vec![]).await?;
        let violations = self.client().execute_async(RUN_AXE, vec![background]).await?;
        match violations {
            Value::Array(violations) => Ok(violations),
            other => Err(CmdError::NotW3C(other)),
        }
    }

    /// Returns a picture of the whole page as PNG.
    async fn full_screenshot(&self, device: Device) -> Vec<u8> {
        let script = "return document.documentElement.scrollHeight";
        let content = self.client().execute(script, vec![]).await.unwrap();
        let (width, height) = device.size();
        let height = content.as_u64().unwrap().max(height.into());
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        let parameters = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let picture = self.dev_tools("Page.captureScreenshot", &parameters).await;
        STANDARD.decode(picture["data"].as_str().unwrap()).unwrap()
    }
}

/// Returns the folder for screenshots, if `scripts/screenshots` runs the tests.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests")]
fn screenshots_folder() -> Option<PathBuf> {
    std::env::var_os("TICKETING_SCREENSHOTS").map(PathBuf::from)
}
