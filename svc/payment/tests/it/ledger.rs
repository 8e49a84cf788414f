//! A seller's books over HTTP: what is in them, and who may read them.

use events::Event;
use payment::Payments;
use poem::http::Method;
use rusqlite::Connection;
use serde_json::json;
use testkit::{Client, eventually};
use tokio::process::Command;

use crate::{
    reconciling::reconcile,
    till::{Buyer, Till, pay},
};

const BALANCE: &str = "/api/v1/payments/balance";
const LEDGER: &str = "/api/v1/payments/ledger";

/// Somebody who has sold an order of 19.99, of which the platform gets 2.5 %.
async fn sold(till: &Till, buyer: &Buyer) -> Client {
    let (order, _) = till.sale(buyer, "tok_visa").await;
    till.seller(&order)
}

async fn balance(seller: &Client) -> serde_json::Value {
    seller.get(BALANCE).await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_is_the_sellers_once_the_order_is_complete_less_the_platforms_share() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;
    let payment = till.paid(&buyer, &order).await;
    till.confirm(&mut order, payment).await;
    till.settled(&buyer, payment, "captured").await;
    let seller = till.seller(&order);
    let held = json!([{"currency": "usd", "sold": 0, "fees": 0, "refunded": 0, "disputed": 0, "net": 0}]);
    assert_eq!(balance(&seller).await["currencies"], held);
    assert_eq!(seller.get(LEDGER).await.expect(200).json()["items"], json!([]));

    till.complete(&mut order).await;
    let earned = json!([{"currency": "usd", "sold": 1999, "fees": 49, "refunded": 0, "disputed": 0, "net": 1950}]);
    eventually("the sale is the seller's", || async {
        (balance(&seller).await["currencies"] == earned).then_some(())
    })
    .await;
    let lines = seller.get(LEDGER).await.expect(200).json();
    let line = &lines["items"][0];
    assert_eq!(
        (line["reason"].as_str(), line["net"].as_i64()),
        (Some("completed"), Some(1950))
    );
    assert_eq!(
        (line["orderId"].clone(), line["paymentId"].clone()),
        (json!(order.id), json!(payment))
    );
    assert_eq!(
        (lines["items"].as_array().unwrap().len(), &lines["nextCursor"]),
        (1, &json!(null))
    );
    till.books_are_whole().await;
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_the_books_of_another() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let _seller = sold(&till, &buyer).await;
    for path in [BALANCE, LEDGER] {
        assert_eq!(till.nobody().get(path).await.expect(401).problem().0, "unauthorized");
    }
    let csv = till.nobody().get(&format!("{LEDGER}?format=csv")).await;
    assert_eq!(csv.status.as_u16(), 401);
    // Whoever bought has sold nothing.
    for other in [till.client(&buyer), till.client(&till.buyer())] {
        assert_eq!(balance(&other).await, json!({"currencies": []}));
        assert_eq!(other.get(LEDGER).await.expect(200).json()["items"], json!([]));
        let csv = other.get(&format!("{LEDGER}?format=csv")).await.expect(200).text;
        assert_eq!(csv.lines().count(), 1, "{csv}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_are_read_in_pages_and_as_csv() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "tok_visa").await;
    let seller = till.seller(&order);
    for amount in [500, 499] {
        till.refund(&order, payment, amount).await;
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
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_release_took_is_held_until_it_is_known_who_sells() {
    let mut till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "tok_visa").await;
    till.books_are_whole().await;
    till.stop().await;
    // As that release has left it.
    let conn = Connection::open(till.kit.database::<Payments>()).unwrap();
    conn.execute_batch(
        "DROP TRIGGER ledger_is_not_forgotten; DELETE FROM ledger; DELETE FROM seller_balance;
         DELETE FROM taking; UPDATE bill SET seller_id = NULL;
         CREATE TRIGGER ledger_is_not_forgotten BEFORE DELETE ON ledger
         BEGIN SELECT RAISE(ABORT, 'the ledger is only appended to'); END;",
    )
    .unwrap();
    drop(conn);
    till.start().await;
    till.books_are_whole().await;
    till.check();
    let seller = till.seller(&order);
    assert_eq!(balance(&seller).await, json!({"currencies": []}));

    // The order service says everything again.
    till.kit
        .publish("order", events::Event::OrderCompleted(order.clone()))
        .await;
    eventually("the sale is the seller's", || async {
        let found = balance(&seller).await;
        (found["currencies"][0]["net"] == 1950).then_some(())
    })
    .await;
    till.check();
    till.refund(&order, payment, 1999).await;
    assert_eq!(balance(&seller).await["currencies"][0]["net"], 0);
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_sees_what_each_account_has() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "tok_visa").await;
    till.refund(&order, payment, 1000).await;
    till.books_are_whole().await;
    let output = Command::new(env!("CARGO_BIN_EXE_ticketing-payment"))
        .env_clear()
        .arg("--database")
        .arg(till.kit.database::<Payments>())
        .arg("ledger")
        .output()
        .await
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<Vec<&str>> = told.lines().map(|line| line.split_whitespace().collect()).collect();
    for row in [
        vec!["usd", "buyer", "-1999"],
        vec!["usd", "seller", "975"],
        vec!["usd", "platform", "fee", "24"],
        vec!["usd", "refunds", "1000"],
        vec!["usd", "costs", "-88"],
        vec!["usd", "stripe", "fee", "88"],
        vec!["usd", "all", "0"],
    ] {
        assert!(rows.contains(&row), "{row:?}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_back_differently_is_a_difference() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let (order, payment) = till.sale(&buyer, "tok_visa").await;
    till.refund(&order, payment, 1000).await;
    let (told, same) = reconcile(&till, &[]).await;
    assert!(same, "{told}");

    // Somebody gives back by hand, and Stripe's word of it is lost.
    let intent = till.sim.payment_intents().await.unwrap()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let form = format!("payment_intent={intent}&amount=99");
    let _ = till
        .stripe()
        .send(Method::POST, "/v1/refunds", Some(form))
        .await
        .expect(200);
    let (told, same) = reconcile(&till, &["--adopt"]).await;
    assert!(
        !same && told.contains("the refunded amount is 1000 here, 1099 at Stripe"),
        "{told}"
    );
    eventually("it is looked at", || async {
        let (_, same) = reconcile(&till, &[]).await;
        same.then_some(())
    })
    .await;
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_three_decimals_is_charged_shared_and_given_back_in_tens() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let dinars = |amount| {
        let mut order = till.unheard_order(&buyer, amount);
        order.total.currency = "kwd".parse().unwrap();
        order
    };
    let odd = dinars(5124);
    till.kit.publish("order", Event::OrderCreated(odd.clone())).await;
    let refused = pay(&till.client(&buyer), odd.id, "tok_visa").await.expect(422);
    assert_eq!(refused.text_at("/code"), "amount-not-chargeable");

    let mut order = dinars(5120);
    till.kit.publish("order", Event::OrderCreated(order.clone())).await;
    let payment = till.paid(&buyer, &order).await;
    till.confirm(&mut order, payment).await;
    till.settled(&buyer, payment, "captured").await;
    till.complete(&mut order).await;
    till.refund(&order, payment, 1280).await;
    till.books_are_whole().await;
    let books = balance(&till.seller(&order)).await;
    let books = &books["currencies"][0];
    // A fortieth of 3.840 is 0.096.
    assert_eq!((&books["fees"], &books["net"]), (&json!(90), &json!(3750)));
    till.check();
}
