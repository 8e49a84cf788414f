//! What Stripe, or its double, says that it was asked.

use reqwest::Client;
use serde_json::Value;

use crate::{Trouble, verdict::Intent};

/// All payment intents of the account, a hundred at a time (<https://docs.stripe.com/api/payment_intents/list>).
pub(crate) async fn intents(url: &str, key: &str) -> Result<Vec<Intent>, Trouble> {
    let client = Client::builder().no_proxy().build().map_err(Trouble::new)?;
    let url = format!("{}/v1/payment_intents?limit=100", url.trim_end_matches('/'));
    let (mut intents, mut after) = (Vec::<Intent>::new(), String::new());
    loop {
        let request = client.get(format!("{url}{after}")).bearer_auth(key);
        let page = request.send().await.and_then(reqwest::Response::error_for_status);
        let page: Value = page.map_err(Trouble::new)?.json().await.map_err(Trouble::new)?;
        let items = page["data"]
            .as_array()
            .ok_or_else(|| Trouble::new("Stripe's list has no data"))?;
        intents.extend(items.iter().map(intent));
        match intents.last() {
            Some(last) if page["has_more"] == true => after = format!("&starting_after={}", last.id),
            _ => return Ok(intents),
        }
    }
}

fn intent(body: &Value) -> Intent {
    let text = |pointer| {
        body.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Intent {
        id: text("/id"),
        status: text("/status"),
        received: body["amount_received"].as_i64().unwrap_or_default(),
        currency: text("/currency"),
        payment_id: text("/metadata/payment_id"),
        order_id: text("/metadata/order_id"),
    }
}
