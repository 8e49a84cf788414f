use serde_json::Value;
use stripe_sim::Sim;

use crate::client::{Stripe, authorisation, config};

async fn paid_with(stripe: &Stripe, token: &str) -> Value {
    let mut pairs = authorisation("2000", token);
    pairs.retain(|(name, _)| *name != "capture_method");
    stripe.post("/v1/payment_intents", &pairs).await.ok()
}

async fn dispute_of(stripe: &Stripe, intent: &Value) -> Value {
    let path = format!("/v1/disputes?payment_intent={}", intent["id"].as_str().unwrap());
    stripe.get(&path).await.ok()["data"][0].clone()
}

async fn event_types(stripe: &Stripe, prefix: &str) -> Vec<String> {
    let events = stripe.get("/v1/events?limit=100").await.ok();
    let all = events["data"].as_array().unwrap().iter().rev();
    all.map(|event| event["type"].as_str().unwrap().to_owned())
        .filter(|kind| kind.starts_with(prefix))
        .collect()
}

#[tokio::test]
async fn a_dispute_withdraws_the_payment_and_a_fee_and_blocks_a_refund() {
    let stripe = Stripe::start().await;
    let intent = paid_with(&stripe, "tok_createDispute").await;
    assert_eq!(intent["status"], "succeeded");
    assert_eq!(
        dispute_of(&stripe, &intent).await,
        Value::Null,
        "the dispute is scheduled"
    );
    assert_eq!(stripe.sim.run_scheduled().await.unwrap(), 1);
    let dispute = dispute_of(&stripe, &intent).await;
    assert_eq!(
        (&dispute["status"], &dispute["reason"], &dispute["amount"]),
        (&"needs_response".into(), &"fraudulent".into(), &2000.into())
    );
    assert_eq!(dispute["balance_transactions"][0]["net"], -3500);
    let charge = format!("/v1/charges/{}", dispute["charge"].as_str().unwrap());
    assert_eq!(stripe.get(&charge).await.ok()["disputed"], true);
    let pairs = [("payment_intent", intent["id"].as_str().unwrap())];
    let refused = stripe.post("/v1/refunds", &pairs).await.error(400);
    assert_eq!(refused["code"], "charge_disputed");
    assert_eq!(
        event_types(&stripe, "charge.dispute").await,
        ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    );
}

#[tokio::test]
async fn evidence_wins_or_loses_as_stripe_documents_it() {
    for (evidence, status, last, net) in [
        ("winning_evidence", "won", "charge.dispute.funds_reinstated", -1500),
        ("losing_evidence", "lost", "charge.dispute.closed", -3500),
    ] {
        let stripe = Stripe::start().await;
        let intent = paid_with(&stripe, "tok_createDisputeProductNotReceived").await;
        stripe.sim.run_scheduled().await.unwrap();
        let dispute = dispute_of(&stripe, &intent).await;
        let path = format!("/v1/disputes/{}", dispute["id"].as_str().unwrap());
        let pairs = [("evidence[uncategorized_text]", evidence)];
        let under_review = stripe.post(&path, &pairs).await.ok();
        assert_eq!(under_review["status"], "under_review");
        stripe.post(&path, &pairs).await.error(400);
        stripe.sim.run_scheduled().await.unwrap();
        let decided = stripe.get(&path).await.ok();
        assert_eq!(decided["status"], status);
        let transactions = decided["balance_transactions"].as_array().unwrap();
        let sum: i64 = transactions
            .iter()
            .map(|transaction| transaction["net"].as_i64().unwrap())
            .sum();
        assert_eq!(sum, net);
        assert_eq!(event_types(&stripe, "charge.dispute").await.last().unwrap(), last);
    }
}

#[tokio::test]
async fn an_inquiry_takes_no_money_and_a_refund_ends_it() {
    let stripe = Stripe::start().await;
    let intent = paid_with(&stripe, "tok_createDisputeInquiry").await;
    stripe.sim.run_scheduled().await.unwrap();
    let dispute = dispute_of(&stripe, &intent).await;
    assert_eq!(
        (&dispute["status"], &dispute["is_charge_refundable"]),
        (&"warning_needs_response".into(), &true.into())
    );
    assert_eq!(dispute["balance_transactions"], Value::Array(Vec::new()));
    let pairs = [("payment_intent", intent["id"].as_str().unwrap())];
    stripe.post("/v1/refunds", &pairs).await.ok();
    assert_eq!(dispute_of(&stripe, &intent).await["status"], "warning_closed");
}

#[tokio::test]
async fn an_inquiry_that_escalates_withdraws_the_money() {
    let stripe = Stripe::start().await;
    let intent = paid_with(&stripe, "tok_createDisputeInquiry").await;
    stripe.sim.run_scheduled().await.unwrap();
    let dispute = dispute_of(&stripe, &intent).await;
    let path = format!("/v1/disputes/{}", dispute["id"].as_str().unwrap());
    let pairs = [("evidence[uncategorized_text]", "escalate_inquiry_evidence")];
    stripe.post(&path, &pairs).await.ok();
    stripe.sim.run_scheduled().await.unwrap();
    let escalated = stripe.get(&path).await.ok();
    assert_eq!(
        (&escalated["status"], &escalated["balance_transactions"][0]["amount"]),
        (&"needs_response".into(), &(-2000).into())
    );
    let lost = stripe.post(&format!("{path}/close"), &[]).await.ok();
    assert_eq!(lost["status"], "lost");
    stripe.post(&format!("{path}/close"), &[]).await.error(400);
}

#[tokio::test]
async fn any_charge_can_be_disputed_on_demand_once() {
    let stripe = Stripe::start().await;
    let charge = stripe.pay("1000").await["latest_charge"].as_str().unwrap().to_owned();
    let control = format!("/_sim/charges/{charge}/dispute");
    let dispute = stripe.post(&control, &[("reason", "product_not_received")]).await.ok();
    assert_eq!(dispute["reason"], "product_not_received");
    stripe.post(&control, &[]).await.error(400);
    let path = format!("/_sim/disputes/{}/decide", dispute["id"].as_str().unwrap());
    assert_eq!(stripe.post(&path, &[("outcome", "won")]).await.ok()["status"], "won");
    assert!(
        stripe
            .sim
            .decide_dispute(dispute["id"].as_str().unwrap(), false)
            .await
            .is_err()
    );
    stripe.post("/v1/refunds", &[("charge", &charge)]).await.ok();
}

#[tokio::test]
async fn a_scheduled_effect_is_applied_even_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stripe.db");
    let stripe = Stripe::with_sim(Sim::open(&file, config()).unwrap()).await;
    let intent = paid_with(&stripe, "tok_createDispute").await;
    stripe.sim.close().await;
    let mut config = config();
    config.scheduled_delay = Some(std::time::Duration::from_millis(1));
    let stripe = Stripe::with_sim(Sim::open(&file, config).unwrap()).await;
    let disputed = async {
        while dispute_of(&stripe, &intent).await.is_null() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), disputed)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_payment_that_was_refunded_is_not_disputed_later() {
    let stripe = Stripe::start().await;
    let refunded = paid_with(&stripe, "tok_createDispute").await;
    let pairs = [("payment_intent", refunded["id"].as_str().unwrap())];
    stripe.post("/v1/refunds", &pairs).await.ok();
    let paid = paid_with(&stripe, "tok_createDispute").await;
    stripe.sim.run_scheduled().await.unwrap();
    assert_eq!(dispute_of(&stripe, &refunded).await, Value::Null);
    assert_eq!(dispute_of(&stripe, &paid).await["status"], "needs_response");
    assert_eq!(stripe.sim.run_scheduled().await.unwrap(), 0);
}
