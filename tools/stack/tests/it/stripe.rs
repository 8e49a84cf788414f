use serde_json::Value;
use stripe_sim::Sim;

/// Returns the payment intents of an order.
pub(crate) async fn payment_intents(stripe: &Sim, order: &str) -> Vec<Value> {
    let all = stripe.payment_intents().await.unwrap();
    all.into_iter()
        .filter(|intent| intent["metadata"]["order_id"] == order)
        .collect()
}

/// Asserts that exactly one payment intent of an order received money, and returns the amount.
pub(crate) async fn amount_charged_once(stripe: &Sim, order: &str) -> i64 {
    let mut charged = payment_intents(stripe, order).await;
    charged.retain(|intent| intent["amount_received"] != 0);
    assert_eq!(charged.len(), 1, "{charged:#?}");
    assert_eq!(charged[0]["status"], "succeeded");
    charged[0]["amount_received"].as_i64().unwrap()
}
