//! The deletion of accounts: what prevents it, and payouts, after which nothing is owed.

use events::{
    AccountStatus, CancelReason,
    ClosureObstacle::{Balance, OpenDisputes, OpenOrders},
};
use payment::Payments;
use serde_json::json;
use testkit::eventually;
use tokio::process::Command;
use values::UserId;

use crate::test_app::TestApp;

/// Runs `ticketing-payment payout`. Returns whether it succeeded, and what it printed.
async fn pay_out(app: &TestApp, seller: UserId, amount: &str, reference: &str) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ticketing-payment"))
        .env_clear()
        .arg("--database")
        .arg(app.env.database::<Payments>())
        .args(["payout", "--seller", &seller.to_string(), "--currency", "usd"])
        .args(["--amount", amount, "--reference", reference])
        .output()
        .await
        .unwrap();
    let texts = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(texts).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_not_over_prevents_the_deletion_of_its_buyer() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    assert_eq!(app.env.request_deletion(buyer.id, 2).await, []);
    let mut order = app.create_order(&buyer).await;
    let payment = app.authorize(&buyer, &order).await;
    assert_eq!(app.env.request_deletion(buyer.id, 4).await, [OpenOrders]);
    app.cancel_order(&mut order, CancelReason::User).await;
    app.wait_for_status(&buyer, payment, "voided").await;
    assert_eq!(app.env.request_deletion(buyer.id, 6).await, []);
    app.env
        .publish_account_status(buyer.id, 7, AccountStatus::Deleted)
        .await;
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_is_owed_prevents_the_deletion_of_a_seller_until_it_is_paid_out() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    let seller = order.seller_id;
    assert_eq!(app.env.request_deletion(buyer.id, 2).await, []);
    assert_eq!(app.env.request_deletion(seller, 2).await, [Balance]);
    for amount in ["1951", "0", "-1", "9223372036854775807", "-9223372036854775808"] {
        let (is_recorded, text) = pay_out(&app, seller, amount, "transfer 1").await;
        assert!(!is_recorded && text.contains("1950 minor units are due"), "{text}");
    }
    // One that was recorded by mistake is corrected; each counts once, however often the command runs.
    for (amount, reference, due) in [
        ("1000", "transfer 1", 950),
        ("1000", "transfer 1", 950),
        ("-1000", "correction of 1", 1950),
        ("1950", "transfer 2", 0),
    ] {
        let (is_recorded, text) = pay_out(&app, seller, amount, reference).await;
        assert!(
            is_recorded && text.contains(&format!("{due} minor units are still due")),
            "{text}"
        );
    }
    let (is_recorded, text) = pay_out(&app, seller, "1", "transfer 2").await;
    assert!(!is_recorded && text.contains("1950 minor units is recorded"), "{text}");
    let payouts = app
        .seller(&order)
        .exported("/api/v1/payments/personal-data", "payouts", 2)
        .await;
    let payouts: Vec<_> = payouts
        .iter()
        .map(|payout| (&payout["amount"], &payout["reference"]))
        .collect();
    assert_eq!(
        payouts,
        [
            (&json!(1950), &json!("transfer 2")),
            (&json!(-1000), &json!("correction of 1")),
            (&json!(1000), &json!("transfer 1"))
        ]
    );
    let balance = app
        .seller(&order)
        .get("/api/v1/payments/balance")
        .await
        .expect(200)
        .json();
    let earned = &balance["currencies"][0];
    assert_eq!(
        (&earned["net"], &earned["paidOut"], &earned["due"]),
        (&json!(1950), &json!(1950), &json!(0))
    );
    assert_eq!(app.env.request_deletion(seller, 4).await, []);

    // What is refunded afterwards is owed by the seller.
    app.refund(&order, payment, 1999).await;
    eventually("the refund is in the balance", || async {
        let balance = app
            .seller(&order)
            .get("/api/v1/payments/balance")
            .await
            .expect(200)
            .json();
        (balance["currencies"][0]["due"] == json!(-1950)).then_some(())
    })
    .await;
    assert_eq!(app.env.request_deletion(seller, 6).await, [Balance]);
    let (is_recorded, text) = pay_out(&app, seller, "-1950", "received 1").await;
    assert!(is_recorded, "{text}");
    assert_eq!(app.env.request_deletion(seller, 8).await, []);
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_prevents_the_deletion_of_both_parties_until_it_is_decided() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, _) = app.complete_sale(&buyer, "tok_visa").await;
    let charges = app.stripe().get("/v1/charges").await.expect(200).json();
    let charge = charges["data"][0]["id"].as_str().unwrap();
    let dispute = app.sim.open_dispute(charge, "fraudulent", false).await.unwrap();
    let event = app.latest_stripe_event("charge.dispute.created").await;
    let _ = app.send_webhook(&event).await.expect(204);
    eventually("the dispute is known", || async {
        let balance = app
            .seller(&order)
            .get("/api/v1/payments/balance")
            .await
            .expect(200)
            .json();
        (balance["currencies"][0]["disputed"] == json!(1999)).then_some(())
    })
    .await;
    assert_eq!(app.env.request_deletion(buyer.id, 2).await, [OpenDisputes]);
    assert_eq!(app.env.request_deletion(order.seller_id, 2).await, [OpenDisputes]);
    app.sim
        .decide_dispute(dispute["id"].as_str().unwrap(), false)
        .await
        .unwrap();
    let event = app.latest_stripe_event("charge.dispute.closed").await;
    let _ = app.send_webhook(&event).await.expect(204);
    eventually("the dispute is decided", || async {
        let shown = app.client(&buyer).get("/api/v1/payments").await.expect(200).json();
        (shown["items"][0]["dispute"]["status"] == "lost").then_some(())
    })
    .await;
    assert_eq!(app.env.request_deletion(buyer.id, 4).await, []);
    assert_eq!(app.env.request_deletion(order.seller_id, 4).await, []);
    app.check_invariants();
}
