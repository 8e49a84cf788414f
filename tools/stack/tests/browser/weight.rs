//! How many bytes a page transfers on its first load.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{browser::Browser, driver::ChromeCommand, eventually};

/// A response of the network log.
#[derive(Default, Debug)]
struct Transfer {
    url: String,
    kind: String,
    /// Headers and body as they were sent; none while the response is under way.
    bytes: Option<u64>,
}

impl Browser {
    /// Opens a path with an empty cache, and returns the bytes of each response except pictures of listings.
    pub(crate) async fn first_load(&self, path: &str) -> BTreeMap<String, u64> {
        self.dev_tools("Network.clearBrowserCache", &json!({})).await;
        let _ = self
            .client()
            .issue_cmd(ChromeCommand::log("performance"))
            .await
            .unwrap();
        self.open(path).await;
        let transfers = std::sync::Mutex::new(BTreeMap::<String, Transfer>::new());
        let what = format!("{path} is loaded");
        eventually(&what, || async {
            let entries = self
                .client()
                .issue_cmd(ChromeCommand::log("performance"))
                .await
                .unwrap();
            let mut transfers = transfers.lock().unwrap();
            entries
                .as_array()
                .unwrap()
                .iter()
                .for_each(|entry| add(&mut transfers, entry));
            let is_finished = |transfer: &Transfer| transfer.bytes.is_some() || transfer.kind == "EventSource";
            transfers.values().all(is_finished).then_some(())
        })
        .await;
        let transfers = transfers.into_inner().unwrap().into_values();
        let counted = transfers.filter(|transfer| !(transfer.kind == "Image" && transfer.url.contains("/image")));
        counted
            .map(|transfer| (transfer.url, transfer.bytes.unwrap_or_default()))
            .collect()
    }
}

/// Adds an entry of the network log to the transfers by request.
fn add(transfers: &mut BTreeMap<String, Transfer>, entry: &Value) {
    let entry: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
    let (method, parameters) = (&entry["message"]["method"], &entry["message"]["params"]);
    let Some(id) = parameters["requestId"].as_str() else {
        return;
    };
    match method.as_str().unwrap_or_default() {
        "Network.requestWillBeSent" => {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (url, kind) = (text(&parameters["request"]["url"]), text(&parameters["type"]));
            if url.starts_with("http") {
                let transfer = transfers.entry(id.to_owned()).or_default();
                (transfer.url, transfer.kind) = (url, kind);
            }
        }
        "Network.loadingFinished" | "Network.loadingFailed" => {
            if let Some(transfer) = transfers.get_mut(id) {
                let bytes = parameters["encodedDataLength"].to_string();
                // A number with a fraction of zero.
                transfer.bytes = Some(bytes.split('.').next().unwrap().parse().unwrap_or_default());
            }
        }
        _ => {}
    }
}
