//! What one buyer can take of a sale.

use std::time::Duration;

use events::{Event, Expiration, Ticket, examples};
use futures_util::future::join_all;
use testkit::{Client, Reply, eventually};
use values::{TicketId, UserId};

use crate::test_app::{TestApp, place, place_one};

impl TestApp {
    /// Publishes a new listing with a maximum per buyer.
    async fn create_limited_listing(&self, max_per_buyer: u32) -> Ticket {
        let ticket = Ticket {
            max_per_buyer: Some(max_per_buyer),
            ..examples::ticket(self.env.now())
        };
        self.publish_listing(&ticket).await;
        ticket
    }

    fn client_of(&self, user: UserId) -> Client {
        self.anonymous().bearer(&self.env.token(user))
    }

    /// Publishes that the deadline of a new order has passed, and waits until it has ended.
    async fn expire(&self, buyer: &Client, order: &Reply) {
        let id = order.text_at("/id");
        let expiration = Expiration {
            order_id: id.parse().unwrap(),
            version: 1,
            deadline: order.text_at("/expiresAt").parse().unwrap(),
        };
        self.env
            .publish("expiration", Event::ExpirationCompleted(expiration))
            .await;
        eventually("the order is expired", || async {
            let order = buyer.get(&format!("/api/v1/orders/{id}")).await.expect(200);
            (order.text_at("/status") == "cancelled").then_some(())
        })
        .await;
    }
}

async fn place_and_cancel(buyer: &Client, ticket: TicketId) {
    let id = place_one(buyer, ticket).await.expect(201).text_at("/id");
    let _ = buyer.delete(&format!("/api/v1/orders/{id}")).await.expect(204);
}

#[tokio::test]
async fn a_buyer_takes_no_more_tickets_of_a_listing_than_it_allows() {
    let app = TestApp::new().await;
    let mut ticket = app.create_limited_listing(3).await;
    let buyer = app.user();
    let first = place(&buyer, ticket.id, 2).await.expect(201);
    let refused = place(&buyer, ticket.id, 2).await.expect(409);
    insta::assert_json_snapshot!(refused.stable_json(), @r#"
    {
      "type": "urn:ticketing:problem:buyer-limit",
      "title": "One buyer cannot have so many of these tickets",
      "status": 409,
      "detail": "A buyer may have 3 of these tickets in all, and you may take 1 more."
    }
    "#);
    let _ = place(&buyer, ticket.id, 1).await.expect(201);
    let _ = place(&app.user(), ticket.id, 3).await.expect(201);
    // A cancelled order does not count.
    let _ = buyer
        .delete(&format!("/api/v1/orders/{}", first.text_at("/id")))
        .await
        .expect(204);
    let second = place(&buyer, ticket.id, 2).await.expect(201);

    // A lower limit ends no order.
    (ticket.version, ticket.max_per_buyer) = (2, Some(1));
    app.publish_listing(&ticket).await;
    let refused = eventually("the limit is lower", || async {
        let refused = place_one(&buyer, ticket.id).await.expect(409);
        refused.text.contains("may have 1 of").then_some(refused)
    })
    .await;
    assert!(
        refused.text_at("/detail").ends_with("you may take 0 more."),
        "{}",
        refused.text
    );
    let path = format!("/api/v1/orders/{}", second.text_at("/id"));
    assert_eq!(buyer.get(&path).await.expect(200).text_at("/status"), "created");
    app.close_and_check().await;
}

#[tokio::test]
async fn a_buyer_sees_how_many_tickets_an_order_may_still_have() {
    let app = TestApp::new().await;
    let ticket = app.create_limited_listing(3).await;
    let (buyer, other) = (app.user(), app.user());
    let _ = place(&buyer, ticket.id, 2).await.expect(201);
    let path = format!("/api/v1/orders/allowances/{}", ticket.id);
    let allowance = async |buyer: &Client| {
        let allowance = buyer.get(&path).await.expect(200).json();
        ["maxPerBuyer", "taken", "quantity", "pausedUntil"].map(|name| allowance[name].to_string())
    };
    assert_eq!(allowance(&buyer).await, ["3", "2", "1", "null"]);
    assert_eq!(allowance(&other).await, ["3", "0", "3", "null"]);
    for _ in 0..2 {
        place_and_cancel(&other, ticket.id).await;
    }
    let [_, taken, quantity, paused_until] = allowance(&other).await;
    assert_eq!((&*taken, &*quantity), ("0", "0"), "after two orders that were not paid");
    assert_ne!(paused_until, "null");
    let _ = app.anonymous().get(&path).await.expect(401);
    let missing = format!("/api/v1/orders/allowances/{}", TicketId::new(app.env.now()));
    let _ = buyer.get(&missing).await.expect(404);
    app.close_and_check().await;
}

#[tokio::test]
async fn concurrent_orders_of_one_buyer_do_not_exceed_the_limit() {
    let app = TestApp::new().await;
    let ticket = app.create_limited_listing(5).await;
    let buyer = app.user();
    let replies = join_all((0..8).map(|_| place(&buyer, ticket.id, 1))).await;
    let statuses = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!((statuses(201), statuses(409)), (5, 3));
    app.close_and_check().await;
}

#[tokio::test]
async fn tickets_that_are_on_sale_again_after_a_refund_do_not_count_and_void_ones_do() {
    let app = TestApp::new().await;
    for resell in [true, false] {
        let mut ticket = examples::ticket(app.env.now());
        ticket.max_per_buyer = Some(2);
        ticket.refund_terms.resell_refunded = resell;
        app.publish_listing(&ticket).await;
        let sale = app.sell(&ticket, 2).await;
        assert_eq!(
            place_one(&sale.buyer, ticket.id).await.expect(409).problem().0,
            "buyer-limit"
        );
        let requested = sale
            .request_refund(&app.seller(&ticket), serde_json::json!({"quantity": 1}))
            .await;
        let requested = requested.expect(201).text_at("/id");
        let approved = app.wait_for_approved(|refund| refund.id.to_string() == requested).await;
        app.publish_outcome(&sale, &approved, 5, None).await;
        sale.wait_for_status("partially_refunded").await;
        let status = place_one(&sale.buyer, ticket.id).await.status.as_u16();
        assert_eq!(status, if resell { 201 } else { 409 });
    }
    app.close_and_check().await;
}

#[tokio::test]
async fn after_two_unpaid_orders_of_a_listing_a_third_is_refused_for_a_time() {
    let app = TestApp::with_manual_clock().await;
    let (ticket, other) = (app.create_listing(5).await, app.create_listing(5).await);
    let user = UserId::new(app.env.now());
    let buyer = app.client_of(user);
    place_and_cancel(&buyer, ticket.id).await;
    let unpaid = place_one(&buyer, ticket.id).await.expect(201);
    app.env.clock.advance(Duration::from_mins(5));
    app.expire(&buyer, &unpaid).await;
    app.env.clock.advance(Duration::from_mins(1));

    let refused = place_one(&buyer, ticket.id).await.expect(429);
    assert_eq!(refused.headers["retry-after"], "3540");
    insta::assert_json_snapshot!(refused.stable_json(), @r#"
    {
      "type": "urn:ticketing:problem:unpaid-orders",
      "title": "Your last orders of these tickets were not paid",
      "status": 429,
      "detail": "Your last 2 orders of these tickets were not paid: others come first for a while, and you may order again after that."
    }
    "#);
    let _ = place_one(&buyer, other.id).await.expect(201);
    let _ = place_one(&app.user(), ticket.id).await.expect(201);

    app.env.clock.advance(Duration::from_mins(59));
    let _ = place_one(&app.client_of(user), ticket.id).await.expect(201);
    app.close_and_check().await;
}

#[tokio::test]
async fn a_buyer_has_a_limited_number_of_unpaid_orders() {
    let app = TestApp::new().await;
    let tickets = [
        app.create_limited_listing(20).await,
        app.create_limited_listing(20).await,
    ];
    let buyer = app.user();
    let mut last = None;
    for number in 0..10 {
        last = Some(
            place_one(&buyer, tickets[number % 2].id)
                .await
                .expect(201)
                .text_at("/id"),
        );
    }
    let refused = place_one(&buyer, tickets[0].id).await.expect(409);
    assert_eq!(refused.problem().0, "open-orders-limit");
    let _ = buyer
        .delete(&format!("/api/v1/orders/{}", last.unwrap()))
        .await
        .expect(204);
    let _ = place_one(&buyer, tickets[0].id).await.expect(201);
    app.close_and_check().await;
}
