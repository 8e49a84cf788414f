//! The payment intents of Stripe, or of the Stripe simulator.

use reqwest::Client;
use serde_json::Value;

use crate::DrillError;

/// A payment intent.
#[derive(Clone, Debug)]
pub struct StripeIntent {
    /// Stripe's id.
    pub id: String,
    /// `succeeded`, `requires_capture`, …
    pub status: String,
    /// The captured amount, in minor units.
    pub received_amount: i64,
    /// The currency.
    pub currency: String,
    /// The payment, from the metadata.
    pub payment_id: String,
    /// The order, from the metadata.
    pub order_id: String,
}

/// Lists all payment intents of the account, a hundred per page (<https://docs.stripe.com/api/payment_intents/list>).
pub async fn payment_intents(url: &str, key: &str) -> Result<Vec<StripeIntent>, DrillError> {
    let client = Client::builder().no_proxy().build().map_err(DrillError::new)?;
    let url = format!("{}/v1/payment_intents?limit=100", url.trim_end_matches('/'));
    let (mut intents, mut after) = (Vec::<StripeIntent>::new(), String::new());
    loop {
        let request = client.get(format!("{url}{after}")).bearer_auth(key);
        let page = request.send().await.and_then(reqwest::Response::error_for_status);
        let page: Value = page.map_err(DrillError::new)?.json().await.map_err(DrillError::new)?;
        let items = page["data"]
            .as_array()
            .ok_or_else(|| DrillError::new("Stripe's list has no data"))?;
        intents.extend(items.iter().map(intent));
        match intents.last() {
            Some(last) if page["has_more"] == true => after = format!("&starting_after={}", last.id),
            _ => return Ok(intents),
        }
    }
}

fn intent(body: &Value) -> StripeIntent {
    let text = |pointer| {
        body.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    StripeIntent {
        id: text("/id"),
        status: text("/status"),
        received_amount: body["amount_received"].as_i64().unwrap_or_default(),
        currency: text("/currency"),
        payment_id: text("/metadata/payment_id"),
        order_id: text("/metadata/order_id"),
    }
}
