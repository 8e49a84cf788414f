use crate::client::{Stripe, authorisation};

#[tokio::test]
async fn a_payment_is_refunded_in_parts_up_to_the_captured_amount() {
    let stripe = Stripe::start().await;
    let intent = stripe.authorise("1000").await;
    let id = intent["id"].as_str().unwrap();
    let early = stripe.post("/v1/refunds", &[("payment_intent", id)]).await.error(400);
    assert_eq!(early["code"], "payment_intent_unexpected_state");
    stripe
        .post(
            &format!("/v1/payment_intents/{id}/capture"),
            &[("amount_to_capture", "600")],
        )
        .await
        .ok();

    let over = stripe
        .post("/v1/refunds", &[("payment_intent", id), ("amount", "601")])
        .await
        .error(400);
    assert_eq!(over["param"], "amount");
    let part = [
        ("payment_intent", id),
        ("amount", "200"),
        ("reason", "requested_by_customer"),
        ("metadata[why]", "rain"),
    ];
    let refund = stripe.post("/v1/refunds", &part).await.ok();
    assert_eq!(
        (&refund["amount"], &refund["status"]),
        (&200.into(), &"succeeded".into())
    );
    let charge = intent["latest_charge"].as_str().unwrap();
    let rest = stripe.post("/v1/refunds", &[("charge", charge)]).await.ok();
    assert_eq!(rest["amount"], 400);
    let none = stripe.post("/v1/refunds", &[("charge", charge)]).await.error(400);
    assert_eq!(none["code"], "charge_already_refunded");

    let expanded = stripe
        .get(&format!(
            "/v1/charges/{charge}?expand[]=refunds&expand[]=payment_intent"
        ))
        .await
        .ok();
    assert_eq!(
        (&expanded["refunded"], &expanded["amount_refunded"]),
        (&true.into(), &600.into())
    );
    assert_eq!(expanded["refunds"]["data"].as_array().unwrap().len(), 2);
    assert_eq!(expanded["payment_intent"]["object"], "payment_intent");
    let listed = stripe.get(&format!("/v1/refunds?payment_intent={id}")).await.ok();
    assert_eq!(
        listed["data"][1],
        stripe
            .get(&format!("/v1/refunds/{}", refund["id"].as_str().unwrap()))
            .await
            .ok()
    );
}

#[tokio::test]
async fn a_hundred_concurrent_refunds_return_no_more_than_was_paid() {
    let stripe = Stripe::start().await;
    let intent = stripe.pay("1000").await;
    let id = intent["id"].as_str().unwrap();
    let pairs = [("payment_intent", id), ("amount", "300")];
    let replies = futures_util::future::join_all((0..100).map(|_| stripe.post("/v1/refunds", &pairs))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status.is_success()).count(), 3);
}

#[tokio::test]
async fn a_refund_that_fails_later_restores_the_refundable_amount() {
    let stripe = Stripe::start().await;
    let mut pairs = authorisation("1000", "tok_refundFail");
    pairs.retain(|(name, _)| *name != "capture_method");
    let intent = stripe.post("/v1/payment_intents", &pairs).await.ok();
    let of_intent = [("payment_intent", intent["id"].as_str().unwrap())];
    let refund = stripe.post("/v1/refunds", &of_intent).await.ok();
    assert_eq!(refund["status"], "succeeded");
    assert_eq!(stripe.sim.run_scheduled().await.unwrap(), 1);
    let path = format!(
        "/v1/refunds/{}?expand[]=failure_balance_transaction",
        refund["id"].as_str().unwrap()
    );
    let failed = stripe.get(&path).await.ok();
    assert_eq!(
        (&failed["status"], &failed["failure_reason"]),
        (&"failed".into(), &"unknown".into())
    );
    let transaction = &failed["failure_balance_transaction"];
    assert_eq!(
        (&transaction["amount"], &transaction["type"]),
        (&1000.into(), &"refund_failure".into())
    );
    let charge = stripe
        .get(&format!("/v1/charges/{}", failed["charge"].as_str().unwrap()))
        .await
        .ok();
    assert_eq!(
        (&charge["refunded"], &charge["amount_refunded"]),
        (&false.into(), &0.into())
    );
    for kind in ["refund.failed", "charge.refund.updated"] {
        let events = stripe.get(&format!("/v1/events?type={kind}")).await.ok();
        assert_eq!(events["data"][0]["data"]["object"]["status"], "failed", "{kind}");
    }
    assert!(
        stripe
            .sim
            .end_refund(refund["id"].as_str().unwrap(), true)
            .await
            .is_err()
    );
    stripe.post("/v1/refunds", &of_intent).await.ok();
}

#[tokio::test]
async fn a_refund_that_is_pending_succeeds_later_or_fails_on_demand() {
    let stripe = Stripe::start().await;
    let mut pairs = authorisation("1000", "tok_pendingRefund");
    pairs.retain(|(name, _)| *name != "capture_method");
    let intent = stripe.post("/v1/payment_intents", &pairs).await.ok();
    let half = [("payment_intent", intent["id"].as_str().unwrap()), ("amount", "500")];
    let first = stripe.post("/v1/refunds", &half).await.ok();
    assert_eq!(
        (&first["status"], &first["pending_reason"]),
        (&"pending".into(), &"processing".into())
    );
    stripe.post("/_sim/later", &[]).await.ok();
    let path = format!("/v1/refunds/{}", first["id"].as_str().unwrap());
    assert_eq!(stripe.get(&path).await.ok()["status"], "succeeded");
    let second = stripe.post("/v1/refunds", &half).await.ok();
    let end = format!("/_sim/refunds/{}/end", second["id"].as_str().unwrap());
    assert_eq!(
        stripe.post(&end, &[("outcome", "failed")]).await.ok()["status"],
        "failed"
    );
}
