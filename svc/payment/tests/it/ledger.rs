//! A seller's balance and ledger over HTTP.

use events::Event;
use payment::Payments;
use poem::http::Method;
use rusqlite::Connection;
use serde_json::json;
use testkit::{Client, eventually};
use tokio::process::Command;

use crate::{
    reconciliation::{adopt_in_this_process, reconcile},
    test_app::{Buyer, TestApp, pay},
};

const BALANCE: &str = "/api/v1/payments/balance";
const LEDGER: &str = "/api/v1/payments/ledger";

/// A seller of one order of 19.99; the platform's share is 2.5 %.
async fn sold(app: &TestApp, buyer: &Buyer) -> Client {
    let (order, _) = app.complete_sale(buyer, "tok_visa").await;
    app.seller(&order)
}

async fn balance(seller: &Client) -> serde_json::Value {
    seller.get(BALANCE).await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_order_is_in_the_sellers_balance_less_the_platforms_share() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;
    let payment = app.authorize(&buyer, &order).await;
    app.confirm_order(&mut order, payment).await;
    app.wait_for_status(&buyer, payment, "captured").await;
    let seller = app.seller(&order);
    let held = json!([{"currency": "usd", "sold": 0, "fees": 0, "refunded": 0, "disputed": 0, "net": 0, "paidOut": 0, "due": 0}]);
    assert_eq!(balance(&seller).await["currencies"], held);
    assert_eq!(seller.get(LEDGER).await.expect(200).json()["items"], json!([]));

    app.complete_order(&mut order).await;
    let earned = json!([{"currency": "usd", "sold": 1999, "fees": 49, "refunded": 0, "disputed": 0, "net": 1950, "paidOut": 0, "due": 1950}]);
    eventually("the sale is in the seller's balance", || async {
        (balance(&seller).await["currencies"] == earned).then_some(())
    })
    .await;
    let lines = seller.get(LEDGER).await.expect(200);
    assert_eq!(
        (lines.text_at("/items/0/orderId"), lines.text_at("/items/0/paymentId")),
        (order.id.to_string(), payment.to_string())
    );
    insta::assert_json_snapshot!(lines.stable_json(), @r#"
    {
      "items": [
        {
          "id": 3,
          "at": "[time]",
          "reason": "completed",
          "orderId": "[id]",
          "paymentId": "[id]",
          "currency": "usd",
          "sold": 1999,
          "fee": 49,
          "refunded": 0,
          "disputed": 0,
          "net": 1950
        }
      ],
      "nextCursor": null
    }
    "#);
    app.wait_for_ledger().await;
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_is_visible_to_its_seller_only() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let _seller = sold(&app, &buyer).await;
    for path in [BALANCE, LEDGER] {
        assert_eq!(app.anonymous().get(path).await.expect(401).problem().0, "unauthorized");
    }
    let csv = app.anonymous().get(&format!("{LEDGER}?format=csv")).await;
    assert_eq!(csv.status.as_u16(), 401);
    // The buyer has sold nothing.
    for other in [app.client(&buyer), app.client(&app.buyer())] {
        assert_eq!(balance(&other).await, json!({"currencies": []}));
        assert_eq!(other.get(LEDGER).await.expect(200).json()["items"], json!([]));
        let csv = other.get(&format!("{LEDGER}?format=csv")).await.expect(200).text;
        assert_eq!(csv.lines().count(), 1, "{csv}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_read_in_pages_and_as_csv() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    let seller = app.seller(&order);
    for amount in [500, 499] {
        app.refund(&order, payment, amount).await;
    }
    let first = seller.get(&format!("{LEDGER}?limit=2")).await.expect(200);
    let cursor = first.text_at("/nextCursor");
    let rest = seller
        .get(&format!("{LEDGER}?limit=2&cursor={cursor}"))
        .await
        .expect(200)
        .json();
    let first = first.json();
    let mut lines = first["items"].as_array().unwrap().clone();
    lines.extend(rest["items"].as_array().unwrap().clone());
    assert_eq!(rest["nextCursor"], json!(null));
    let reasons: Vec<_> = lines.iter().map(|line| line["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["refund", "refund", "completed"]);
    for (column, of_lines) in [
        ("sold", "sold"),
        ("fees", "fee"),
        ("refunded", "refunded"),
        ("net", "net"),
    ] {
        let sum: i64 = lines.iter().map(|line| line[of_lines].as_i64().unwrap()).sum();
        assert_eq!(balance(&seller).await["currencies"][0][column], sum, "{column}");
    }

    for reply in [
        seller.get(&format!("{LEDGER}?format=csv")).await,
        seller.clone().with("accept", "text/csv").get(LEDGER).await,
    ] {
        let reply = reply.expect(200);
        assert!(
            reply
                .text
                .starts_with("id,at,reason,orderId,paymentId,reference,currency,sold,fee,refunded,disputed,net\r\n")
        );
        let rows: Vec<Vec<&str>> = reply
            .text
            .lines()
            .skip(1)
            .map(|line| line.split(',').collect())
            .collect();
        assert_eq!(rows.len(), 3);
        for (row, line) in rows.iter().zip(&lines) {
            let cells = [
                &line["id"],
                &line["sold"],
                &line["fee"],
                &line["refunded"],
                &line["disputed"],
                &line["net"],
            ];
            let written = [row[0], row[7], row[8], row[9], row[10], row[11]];
            assert_eq!(cells.map(ToString::to_string).as_slice(), written.as_slice());
            assert_eq!(
                (row[2], row[3]),
                (line["reason"].as_str().unwrap(), line["orderId"].as_str().unwrap())
            );
        }
    }
    for (query, field) in [("limit=0", "limit"), ("cursor=x", "cursor"), ("format=xml", "format")] {
        let reply = seller.get(&format!("{LEDGER}?{query}")).await.expect(400);
        assert!(reply.text.contains(field), "{}", reply.text);
    }
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn captures_of_an_older_release_are_held_until_the_seller_is_known() {
    let mut app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    app.wait_for_ledger().await;
    app.stop().await;
    // The state of a database of that release.
    let conn = Connection::open(app.env.database::<Payments>()).unwrap();
    conn.execute_batch(
        "DROP TRIGGER ledger_is_not_forgotten; DELETE FROM ledger; DELETE FROM seller_balance;
         DELETE FROM taking; UPDATE bill SET seller_id = NULL;
         CREATE TRIGGER ledger_is_not_forgotten BEFORE DELETE ON ledger
         BEGIN SELECT RAISE(ABORT, 'the ledger is only appended to'); END;",
    )
    .unwrap();
    drop(conn);
    app.start().await;
    app.wait_for_ledger().await;
    app.check_invariants();
    let seller = app.seller(&order);
    assert_eq!(balance(&seller).await, json!({"currencies": []}));

    // The order service republishes.
    app.env
        .publish("order", events::Event::OrderCompleted(order.clone()))
        .await;
    eventually("the sale is in the seller's balance", || async {
        let found = balance(&seller).await;
        (found["currencies"][0]["net"] == 1950).then_some(())
    })
    .await;
    app.check_invariants();
    app.refund(&order, payment, 1999).await;
    assert_eq!(balance(&seller).await["currencies"][0]["net"], 0);
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_can_list_the_balance_of_each_account() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    app.refund(&order, payment, 1000).await;
    app.wait_for_ledger().await;
    let output = Command::new(env!("CARGO_BIN_EXE_ticketing-payment"))
        .env_clear()
        .arg("--database")
        .arg(app.env.database::<Payments>())
        .arg("ledger")
        .output()
        .await
        .unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<Vec<&str>> = report.lines().map(|line| line.split_whitespace().collect()).collect();
    for row in [
        vec!["usd", "buyer", "-1999"],
        vec!["usd", "seller", "975"],
        vec!["usd", "platform", "fee", "24"],
        vec!["usd", "refunds", "1000"],
        vec!["usd", "costs", "-88"],
        vec!["usd", "stripe", "fee", "88"],
        vec!["usd", "all", "0"],
    ] {
        assert!(rows.contains(&row), "{row:?}: {report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_at_stripe_alone_is_a_difference() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    app.refund(&order, payment, 1000).await;
    let (report, same) = reconcile(&app, &[]).await;
    assert!(same, "{report}");

    // A refund in Stripe's dashboard, whose event is lost.
    let intent = app.sim.payment_intents().await.unwrap()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let form = format!("payment_intent={intent}&amount=99");
    let _ = app
        .stripe()
        .send(Method::POST, "/v1/refunds", Some(form))
        .await
        .expect(200);
    let (report, same) = reconcile(&app, &["--adopt"]).await;
    assert!(
        !same && report.contains("the refunded amount is 1000 here, 1099 at Stripe"),
        "{report}"
    );
    let _ = adopt_in_this_process(&app).await;
    eventually("the refund is recorded", || async {
        let (_, same) = reconcile(&app, &[]).await;
        same.then_some(())
    })
    .await;
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn currencies_with_three_decimals_are_charged_shared_and_refunded_in_multiples_of_ten() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let dinars = |amount| {
        let mut order = app.unpublished_order(&buyer, amount);
        order.total.currency = "kwd".parse().unwrap();
        order
    };
    let odd = dinars(5124);
    app.env.publish("order", Event::OrderCreated(odd.clone())).await;
    let refused = pay(&app.client(&buyer), odd.id, "tok_visa").await.expect(422);
    assert_eq!(refused.text_at("/code"), "amount-not-chargeable");

    let mut order = dinars(5120);
    app.env.publish("order", Event::OrderCreated(order.clone())).await;
    let payment = app.authorize(&buyer, &order).await;
    app.confirm_order(&mut order, payment).await;
    app.wait_for_status(&buyer, payment, "captured").await;
    app.complete_order(&mut order).await;
    app.refund(&order, payment, 1280).await;
    app.wait_for_ledger().await;
    let books = balance(&app.seller(&order)).await;
    let books = &books["currencies"][0];
    // A fortieth of 3.840 is 0.096.
    assert_eq!((&books["fees"], &books["net"]), (&json!(90), &json!(3750)));
    app.check_invariants();
}
