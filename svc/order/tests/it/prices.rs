//! The price and the version of a listing that a buyer has seen.

use events::{Ticket, examples::usd};
use serde_json::{Value, json};
use testkit::{Client, Reply, eventually};
use values::Money;

use crate::test_app::TestApp;

async fn place_seen(buyer: &Client, ticket: &Ticket, seen: Value) -> Reply {
    let mut body = json!({"ticketId": ticket.id});
    for (name, value) in seen.as_object().unwrap() {
        body[name] = value.clone();
    }
    buyer.post("/api/v1/orders", body).await
}

fn next_version(ticket: &Ticket, price: Money) -> Ticket {
    Ticket {
        version: ticket.version + 1,
        price,
        ..ticket.clone()
    }
}

#[tokio::test]
async fn an_order_is_never_placed_at_another_price_than_the_expected_one() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(10).await;
    let buyer = app.user();
    let placed = place_seen(&buyer, &ticket, json!({"expectedPrice": usd(1999)}))
        .await
        .expect(201);
    assert_eq!(placed.json()["ticket"]["price"], json!(usd(1999)));

    for other in [json!(usd(1998)), json!({"amount": 1999, "currency": "eur"})] {
        let refused = place_seen(&buyer, &ticket, json!({"expectedPrice": other}))
            .await
            .expect(409);
        insta::allow_duplicates! {
            insta::assert_json_snapshot!(refused.stable_json(), @r#"
            {
              "type": "urn:ticketing:problem:price-changed",
              "title": "The price has changed",
              "status": 409,
              "detail": "The price of a ticket is 1999 usd.",
              "currentPrice": {
                "amount": 1999,
                "currency": "usd"
              }
            }
            "#);
        }
    }
    let list = buyer.get("/api/v1/orders").await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    for invalid in [
        json!(1999),
        json!({"amount": 1999}),
        json!({"amount": 1999, "currency": "xxx"}),
    ] {
        let refused = place_seen(&buyer, &ticket, json!({"expectedPrice": invalid}))
            .await
            .expect(422);
        assert!(refused.problem().1.starts_with("expectedPrice"), "{}", refused.text);
    }
}

#[tokio::test]
async fn an_order_at_a_price_that_the_service_has_not_received_waits_for_it() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(10).await;
    // The replica has the first version.
    let _ = place_seen(&app.user(), &ticket, json!({"expectedPrice": usd(1999)}))
        .await
        .expect(201);
    let cheaper = next_version(&ticket, usd(1500));
    let (buyer, other) = (app.user(), app.user());
    let (expecting, knowing, ()) = tokio::join!(
        place_seen(&buyer, &ticket, json!({"expectedPrice": usd(1500)})),
        place_seen(&other, &ticket, json!({"ticketVersion": 2})),
        app.publish_listing(&cheaper)
    );
    for placed in [expecting.expect(201), knowing.expect(201)] {
        assert_eq!(placed.json()["ticket"]["price"], json!(usd(1500)));
    }
    // An older version is no reason to refuse the order, an older price is.
    let _ = place_seen(&buyer, &ticket, json!({"ticketVersion": 1}))
        .await
        .expect(201);
    let seen = json!({"ticketVersion": 1, "expectedPrice": usd(1999)});
    let refused = place_seen(&buyer, &ticket, seen).await.expect(409);
    assert_eq!(refused.problem().0, "price-changed");
    app.close_and_check().await;
}

#[tokio::test]
async fn more_tickets_are_on_sale_to_a_buyer_who_has_seen_the_sellers_change() {
    let app = TestApp::new().await;
    let mut ticket = app.create_listing(1).await;
    let _ = place_seen(&app.user(), &ticket, json!({})).await.expect(201);
    (ticket.version, ticket.quantity) = (2, 2);
    let buyer = app.user();
    let (placed, ()) = tokio::join!(
        place_seen(&buyer, &ticket, json!({"ticketVersion": 2})),
        app.publish_listing(&ticket)
    );
    let _ = placed.expect(201);
}

#[tokio::test]
async fn an_order_under_a_version_that_does_not_arrive_is_refused() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(1).await;
    let buyer = app.user();
    eventually("the listing is replicated", || async {
        (place_seen(&app.user(), &ticket, json!({"quantity": 2})).await.status == 409).then_some(())
    })
    .await;
    let refused = place_seen(&buyer, &ticket, json!({"ticketVersion": 2}))
        .await
        .expect(409);
    assert_eq!(refused.problem().0, "ticket-outdated");
    for invalid in [json!(0), json!(-1), json!("1"), json!(1.5), json!(4_294_967_296_u64)] {
        let refused = place_seen(&buyer, &ticket, json!({"ticketVersion": invalid}))
            .await
            .expect(422);
        assert_eq!(refused.problem().1, "ticketVersion");
    }
}
