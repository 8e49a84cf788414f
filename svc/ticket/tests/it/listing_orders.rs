//! The orders of a listing, as its seller sees them.

use events::{Account, AccountStatus, AfterSale, Dispute, DisputeStatus, Event, OrderStatus, examples::usd};
use serde_json::{Value, json};
use testkit::{Client, Reply, eventually};
use values::{TicketId, UserId};

use crate::{TICKETS, concert, sell, test_app::TestApp};

impl TestApp {
    /// Publishes orders of one ticket each, placed one after the other, and returns their ids, the newest first.
    async fn publish_orders(&self, ticket: &Reply, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..count {
            let mut order = self.order(ticket, 1);
            self.publish_order(&mut order, OrderStatus::Created).await;
            ids.insert(0, order.id.to_string());
        }
        ids
    }
}

/// Waits until the list has so many orders in a state.
async fn wait_for_orders(seller: &Client, list: &str, state: &str, count: usize) -> Value {
    eventually("the orders are listed", || async {
        let page = seller.get(list).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        let matching = items.iter().filter(|order| order["state"] == state).count();
        (matching == count).then_some(page)
    })
    .await
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|order| order["orderId"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_seller_sees_who_ordered_how_many_tickets_and_what_became_of_it() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, created) = sell(&seller, concert(9)).await;
    let list = format!("{path}/orders");
    assert_eq!(
        seller.get(&list).await.expect(200).json(),
        json!({"items": [], "nextCursor": null})
    );

    let mut order = app.order(&created, 3);
    order.total = usd(5997);
    app.publish_order(&mut order, OrderStatus::Created).await;
    let page = wait_for_orders(&seller, &list, "created", 1).await;
    assert_eq!(
        page["items"][0],
        json!({
            "orderId": order.id,
            "placedAt": order.id.created_at(),
            "buyerId": order.buyer_id,
            "buyerName": null,
            "buyerEmail": null,
            "state": "created",
            "disputed": false,
            "quantity": 3,
            "total": {"amount": 5997, "currency": "usd"},
            "refundedQuantity": 0,
            "refunded": {"amount": 0, "currency": "usd"},
        })
    );
    app.publish_order(&mut order, OrderStatus::AwaitingPayment).await;
    let _ = wait_for_orders(&seller, &list, "awaiting:payment", 1).await;
    let late = order.clone();
    app.publish_order(&mut order, OrderStatus::Complete).await;
    let _ = wait_for_orders(&seller, &list, "complete", 1).await;
    let after_sale = |refunded: u32, amount: i64, dispute: Option<DisputeStatus>| AfterSale {
        refunded_quantity: refunded,
        returned_quantity: 0,
        refunded_amount: usd(amount),
        dispute: dispute.map(|status| Dispute {
            status,
            amount: usd(5997),
        }),
    };
    for (refunded, amount, dispute, state, disputed) in [
        (0, 0, Some(DisputeStatus::Open), "complete", true),
        (1, 1999, Some(DisputeStatus::Won), "partially_refunded", false),
        (3, 5997, None, "refunded", false),
    ] {
        order.after_sale = Some(after_sale(refunded, amount, dispute));
        app.publish_order(&mut order, OrderStatus::Complete).await;
        let shown = eventually(state, || async {
            let shown = seller.get(&list).await.expect(200).json()["items"][0].clone();
            (shown["state"] == state && shown["disputed"] == disputed).then_some(shown)
        })
        .await;
        assert_eq!(
            (&shown["refundedQuantity"], &shown["refunded"]["amount"]),
            (&json!(refunded), &json!(amount))
        );
    }
    // An event that comes late changes nothing.
    app.env.publish("order", events::examples::order_event(late)).await;
    let next = app.publish_orders(&created, 1).await;
    let page = wait_for_orders(&seller, &list, "created", 1).await;
    assert_eq!(ids(&page), [next[0].clone(), order.id.to_string()]);
    assert_eq!(page["items"][1]["state"], "refunded");
    app.stop().await;
}

#[tokio::test]
async fn pages_of_orders_follow_each_other_and_are_filtered_by_state() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, created) = sell(&seller, concert(9)).await;
    let (_, other) = sell(&seller, concert(9)).await;
    let mut placed = app.publish_orders(&created, 3).await;
    let _ = app.publish_orders(&other, 1).await;
    let mut cancelled = app.order(&created, 1);
    app.publish_order(&mut cancelled, OrderStatus::Created).await;
    cancelled.cancel_reason = Some(events::CancelReason::User);
    app.publish_order(&mut cancelled, OrderStatus::Cancelled).await;
    placed.insert(0, cancelled.id.to_string());
    let list = format!("{path}/orders");
    let _ = wait_for_orders(&seller, &list, "cancelled", 1).await;
    let _ = wait_for_orders(&seller, &list, "created", 3).await;

    let first = seller.get(&format!("{list}?limit=3")).await.expect(200).json();
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = seller.get(&format!("{list}?limit=3&cursor={cursor}")).await.expect(200);
    assert_eq!([ids(&first), ids(&second.json())].concat(), placed);
    assert_eq!(second.json()["nextCursor"], json!(null));
    let in_state = async |state: &str| ids(&seller.get(&format!("{list}?state={state}")).await.expect(200).json());
    assert_eq!(in_state("created").await, placed[1..]);
    assert_eq!(in_state("cancelled").await, placed[..1]);
    assert!(in_state("complete").await.is_empty());
    for (query, parameter) in [
        (format!("state=created&cursor={cursor}"), "cursor"),
        ("state=paid".to_owned(), "state"),
        ("format=xml".to_owned(), "format"),
        ("limit=0".to_owned(), "limit"),
    ] {
        let refused = seller.get(&format!("{list}?{query}")).await.expect(400);
        assert_eq!(refused.problem().1, parameter);
    }

    let csv = seller.clone().with("accept", "text/csv").get(&list).await.expect(200);
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8; header=present");
    let lines = csv.text.lines().collect::<Vec<_>>();
    assert_eq!(
        lines[0],
        "orderId,placedAt,buyerId,buyerName,buyerEmail,state,disputed,quantity,currency,total,refundedQuantity,refunded"
    );
    assert_eq!(lines.len(), 5);
    let expected = format!("{},", placed[0]);
    assert!(
        lines[1].starts_with(&expected) && lines[1].ends_with(",cancelled,false,1,usd,1999,0,0"),
        "{}",
        lines[1]
    );
    let filtered = seller
        .get(&format!("{list}?format=csv&state=created&limit=1"))
        .await
        .expect(200);
    assert_eq!(
        filtered.text.lines().count(),
        4,
        "all of them, whatever the limit: {}",
        filtered.text
    );
    app.stop().await;
}

#[tokio::test]
async fn the_buyer_is_named_and_no_name_is_a_formula_in_a_spreadsheet() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, created) = sell(&seller, concert(9)).await;
    let list = format!("{path}/orders");
    let mut order = app.order(&created, 1);
    app.publish_order(&mut order, OrderStatus::Created).await;
    let account = Account {
        id: order.buyer_id,
        name: Some("=HYPERLINK(\"x\")".to_owned()),
        ..events::examples::account(app.now())
    };
    app.env.publish("auth", Event::AccountCreated(account.clone())).await;
    let shown = eventually("the buyer is named", || async {
        let page = seller.get(&list).await.expect(200).json();
        let shown = page["items"].get(0).cloned()?;
        (!shown["buyerName"].is_null()).then_some(shown)
    })
    .await;
    assert_eq!(
        (&shown["buyerName"], &shown["buyerEmail"]),
        (&json!("=HYPERLINK(\"x\")"), &json!("ada@example.com"))
    );
    let csv = seller.get(&format!("{list}?format=csv")).await.expect(200).text;
    assert!(csv.contains(",\"'=HYPERLINK(\"\"x\"\")\",ada@example.com,"), "{csv}");
    let deleted = Account {
        version: 2,
        status: AccountStatus::Deleted,
        email: None,
        name: None,
        ..account
    };
    app.env.publish("auth", Event::AccountDeleted(deleted)).await;
    eventually("a deleted account has no name", || async {
        let page = seller.get(&list).await.expect(200).json();
        (page["items"][0]["buyerEmail"].is_null()).then_some(())
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn nobody_but_its_seller_sees_the_orders_of_a_listing() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, created) = sell(&seller, concert(9)).await;
    let mut order = app.order(&created, 1);
    app.publish_order(&mut order, OrderStatus::Created).await;
    let list = format!("{path}/orders");
    let _ = wait_for_orders(&seller, &list, "created", 1).await;
    let buyer = app.client().bearer(&app.env.token(order.buyer_id));
    let stranger = app.client().bearer(&app.env.token(UserId::new(app.now())));
    for client in [buyer, stranger] {
        for path in [
            list.clone(),
            format!("{list}?format=csv"),
            format!("{list}?state=created"),
        ] {
            let refused = client.get(&path).await.expect(404);
            assert_eq!(refused.problem().0, "not-found");
        }
    }
    let _ = app.client().get(&list).await.expect(401);
    let missing = format!("{TICKETS}/{}/orders", TicketId::new(app.now()));
    let _ = seller.get(&missing).await.expect(404);
    // Also after the listing is withdrawn.
    let _ = seller.delete(&path).await.expect(204);
    assert_eq!(ids(&seller.get(&list).await.expect(200).json()).len(), 1);
    app.stop().await;
}
